using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Integration.Seeds;

[Collection("Shop")] // the pets are everybody's
public sealed partial class PetstoreTests(AssemblyWide<SeedSystem> shared) : SeedTests(shared)
{
    private static readonly string[] Steps =
    [
        "payment_processing",
        "payment_confirmed",
        "preparing_shipment",
        "shipped",
    ];

    [Fact]
    public async Task An_order_lowers_the_stock_and_late_and_returning_readers_get_its_steps()
    {
        const string pet = "019b4141";
        await using var inventory = await SseReader.OpenAtAsync(B, "/v1/inventory/stream");
        var before = (await SeedRequests.GetAsync(A, $"/v1/pets/{pet}")).Number("stock");
        var order = await SeedRequests.PostAsync(A, "/v1/orders", new { petId = pet, quantity = 2 });
        var stream = $"/v1/orders/{order.Text("id")}/status/stream";
        await using (var reader = await SseReader.OpenAsync(B, stream).ToEndAsync())
        {
            Assert.True(reader.EndedProperly);
            AssertSteps(reader);
        }

        await inventory.WaitAsync(r => r.Events.Any(e => e.Event == "stock-change" && e.Json().Text("petId") == pet));
        var change = inventory.Events.First(e => e.Json().Text("petId") == pet).Json();
        Assert.Equal((before, before - 2), (change.Number("oldStock"), change.Number("newStock")));
        Assert.Equal("shipped", (await SeedRequests.GetAsync(B, $"/v1/orders/{order.Text("id")}")).Text("status"));

        await using var late = await SseReader.OpenAsync(A, stream).ToEndAsync();
        AssertSteps(late);
        await using var returning = await SseReader.OpenAsync(A, stream, late.Events.ElementAt(1).Id).ToEndAsync();

        Assert.Equal(late.Events.Skip(2), returning.Events);
        await using var byOrdinal = await SseReader.OpenAsync(A, stream + "?lastEventId=3").ToEndAsync();
        Assert.Equal(late.Events.Skip(3), byOrdinal.Events);

        foreach (var last in (string[])[late.LastId!, "4"])
        {
            using var over = await SeedRequests.SendAsync(B, HttpMethod.Get, stream, lastId: last);
            Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        }
    }

    [Fact]
    public async Task An_id_of_another_epoch_restarts_a_finite_stream_instead_of_waiting_forever()
    {
        var order = await SeedRequests.PostAsync(A, "/v1/orders", new { petId = "019b4150" });
        await using var reader = await SseReader
            .OpenAsync(A, $"/v1/orders/{order.Text("id")}/status/stream", "otherepoch-7")
            .ToEndAsync();
        Assert.Equal("epoch", reader.Resync()?.Text("reason"));
        AssertSteps(reader);
    }

    [Fact]
    public async Task An_order_is_as_old_as_its_events_and_a_number_counts_only_from_the_first_of_them()
    {
        var orders = new List<string>();
        foreach (var pet in (string[])["019b4132", "019b4141"])
            orders.Add((await SeedRequests.PostAsync(A, "/v1/orders", new { petId = pet })).Text("id")!);

        foreach (var id in orders)
            await using (await SseReader.OpenAsync(B, Stream(id)).ToEndAsync()) { }

        // As retention does with a part of the log.
        await DropAsync(orders[0], "true");
        await DropAsync(orders[1], "type like 'payment%'");

        using var gone = await SeedRequests.SendAsync(A, HttpMethod.Get, Stream(orders[0]), lastId: "2");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        await using var shortened = await SseReader.OpenAsync(A, Stream(orders[1]), "2").ToEndAsync();

        Assert.Equal("expired", shortened.Resync()?.Text("reason"));
        Assert.Equal(Steps[2..], shortened.Events.Select(e => e.Json().Text("status")));

        static string Stream(string id) => $"/v1/orders/{id}/status/stream";

        async Task DropAsync(string id, string which)
        {
            var drop = $"delete from eventstore.events where topic = 'petstore.orders.{id}.status' and {which}";
            Assert.NotEqual(0, await Store.ExecuteAsync(drop));
        }
    }

    [Fact]
    public async Task An_order_sent_again_with_its_key_is_placed_once()
    {
        const string pet = "019b4150";
        var key = $"key-{Guid.NewGuid():N}";
        var before = await StockAsync();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(i => OrderAsync(i % 2 == 0 ? A : B, quantity: 1))
        );

        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Created, a.StatusCode));
        Assert.Single(answers.Select(a => a.Headers.Location).Distinct());

        using (var other = await OrderAsync(A, quantity: 2))
            Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);

        Assert.Equal(before - 1, await StockAsync());
        Array.ForEach(answers, a => a.Dispose());

        async Task<long> StockAsync() => (await SeedRequests.GetAsync(A, $"/v1/pets/{pet}")).Number("stock");

        Task<HttpResponseMessage> OrderAsync(Uri server, int quantity)
        {
            var body = JsonContent.Create(new { petId = pet, quantity });
            // A header of the body is sent like the others.
            body.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            return SeedRequests.SendAsync(server, HttpMethod.Post, "/v1/orders", body);
        }
    }

    [Fact]
    public async Task The_steps_of_an_order_continue_after_its_replica_was_killed()
    {
        await using var system = await World.Start(o => o.Replicas(0).Set("Petstore:StepMilliseconds", 60_000));
        var killed = await system.StartReplicaAsync(asProcess: true);
        var order = await SeedRequests.PostAsync(killed.Url, "/v1/orders", new { petId = "019b4132" });
        var stream = $"/v1/orders/{order.Text("id")}/status/stream";
        List<Frame> seen;
        await using (var reader = await SseReader.OpenAsync(killed.Url, stream))
        {
            await MakeDueAsync();
            await reader.WaitForEventsAsync(2);
            killed.Process.Kill();
            await reader.WaitForEndAsync();
            Assert.False(reader.EndedProperly);
            seen = [.. reader.Events];
        }

        var other = await system.StartReplicaAsync();
        await using var rest = await SseReader.OpenAsync(other.Url, stream, seen[^1].Id);
        await MakeDueAsync();
        await rest.WaitForEventsAsync(1);
        await MakeDueAsync();
        await rest.WaitForEndAsync();
        Assert.Equal(Steps, seen.Concat(rest.Events).Select(e => e.Json().Text("status")));

        Task<int> MakeDueAsync() => system.Database.ExecuteAsync("update seeds.orders set next_step_at = now()");
    }

    [Fact]
    public async Task An_order_with_an_unknown_status_does_not_stop_the_steps_of_others()
    {
        await Store.ExecuteAsync(
            """
            insert into seeds.orders (id, pet_id, quantity, unit_price, status, created_at, updated_at, next_step_at)
            values (gen_random_uuid(), '019b4127', 1, 1, 'unknown', now(), now(), 'epoch')
            """
        );

        var order = await SeedRequests.PostAsync(A, "/v1/orders", new { petId = "019b4127" });
        await using var reader = await SseReader
            .OpenAsync(B, $"/v1/orders/{order.Text("id")}/status/stream")
            .ToEndAsync();
        AssertSteps(reader);
    }

    [Fact]
    public async Task A_change_of_price_is_an_event_and_an_unchanged_price_is_not()
    {
        const string pet = "019b4163";
        using var read = await SeedRequests.SendAsync(A, HttpMethod.Get, "/v1/pets");
        var position = Assert.Single(read.Headers.GetValues("X-Sse-Position"));
        var price = (await read.JsonAsync())
            .EnumerateArray()
            .Single(p => p.Text("id") == pet)
            .GetProperty("price")
            .GetDecimal();

        await SeedRequests.JsonAsync(A, HttpMethod.Patch, $"/v1/pets/{pet}", new { price });
        await SeedRequests.JsonAsync(A, HttpMethod.Patch, $"/v1/pets/{pet}", new { price = price + 1 });
        // Streams from the position of the read, on the other replica: no change lies between read and stream.
        await using var reader = await SseReader.OpenAsync(B, "/v1/inventory/stream?named=false", position);

        await reader.WaitAsync(r => r.Events.Any(e => e.Json().Text("petId") == pet));
        var change = Assert.Single(reader.Events, e => e.Json().Text("petId") == pet);
        Assert.Null(change.Event);
        Assert.Equal(
            $$"""{"type":"price-change","petId":"{{pet}}","oldPrice":{{price}},"newPrice":{{price + 1}}}""",
            change.Data
        );
    }

    [Fact]
    public async Task Two_orders_for_the_last_pet_sell_it_once()
    {
        const string pet = "019b4178";
        await SeedRequests.JsonAsync(A, HttpMethod.Patch, $"/v1/pets/{pet}", new { stock = 1 });
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(i => (Server: i % 2 == 0 ? A : B, Body: JsonContent.Create(new { petId = pet })))
                .Select(order => SeedRequests.SendAsync(order.Server, HttpMethod.Post, "/v1/orders", order.Body))
        );

        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.Created));
        Assert.Equal(7, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
        Assert.Equal(0, (await SeedRequests.GetAsync(A, $"/v1/pets/{pet}")).Number("stock"));
    }

    [Fact]
    public async Task Recommendations_follow_the_orders_and_a_returning_reader_gets_the_rest_of_the_same_run()
    {
        var user = $"u{Guid.NewGuid():N}";
        var order = new Dictionary<string, object>
        {
            ["petId"] = "019b41b7",
            ["quantity"] = 3,
            ["userId"] = user,
        };
        await SeedRequests.PostAsync(A, "/v1/orders", order);

        var stream = $"/v1/pets/recommendations/stream?userId={user}";
        await using var reader = await SseReader.OpenAsync(A, stream).ToEndAsync();
        var all = reader.Events.ToList();

        Assert.All(all.SkipLast(1), e => Assert.Equal("recommendation", e.Event));
        Assert.Equal("complete", all[^1].Event);
        Assert.Equal(all.Count - 1, all[^1].Json().Number("total"));
        Assert.True(all[^1].Json().Number("processingTime") > 0);

        var best = all.SkipLast(1).MaxBy(e => e.Json().GetProperty("score").GetDouble())!.Json();
        Assert.Contains("fish", best.Text("reason"));
        Assert.All(all.SkipLast(1), e => Assert.InRange(e.Json().GetProperty("score").GetDouble(), 0, 1));

        var begun = await RunsAsync();

        foreach (
            var (last, expected) in (IEnumerable<(string, IEnumerable<Frame>)>)
                [(reader.Frames.First(f => f.Id is not null).Id!, all), (all[2].Id!, all.Skip(3))]
        )
        {
            await using var rest = await SseReader.OpenAsync(B, stream, last).ToEndAsync();
            Assert.Equal(expected, rest.Events);
        }

        // The id is enough.
        await using var named = await SseReader.OpenAsync(B, stream.Split('?')[0], all[2].Id).ToEndAsync();
        Assert.Equal(all.Skip(3), named.Events);
        using var over = await SeedRequests.SendAsync(B, HttpMethod.Get, stream, lastId: all[^1].Id);

        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        Assert.Equal(begun, await RunsAsync());
    }

    [Fact]
    public async Task Each_recommendation_has_the_id_and_the_name_of_another_pet_of_the_catalogue()
    {
        var pets = (await SeedRequests.GetAsync(B, "/v1/pets"))
            .EnumerateArray()
            .Select(pet => (pet.Text("id"), pet.Text("name")));
        await using var reader = await SseReader
            .OpenAsync(A, $"/v1/pets/recommendations/stream?userId=u{Guid.NewGuid():N}")
            .ToEndAsync();

        var recommended = reader.Events.SkipLast(1).Select(e => e.Json()).ToList();
        Assert.NotEmpty(recommended);
        Assert.All(recommended, pet => Assert.Equal(["petId", "name", "score", "reason"], NamesOf(pet)));
        Assert.Subset(pets.ToHashSet(), recommended.Select(pet => (pet.Text("petId"), pet.Text("name"))).ToHashSet());
        Assert.Distinct(recommended.Select(pet => pet.Text("petId")));
        Assert.Equal(["total", "processingTime"], NamesOf(reader.Events.Last().Json()));

        static IEnumerable<string> NamesOf(JsonElement data) => data.EnumerateObject().Select(member => member.Name);
    }

    [Fact]
    public async Task A_read_of_an_order_and_its_stream_from_there_miss_no_step()
    {
        var order = await SeedRequests.PostAsync(A, "/v1/orders", new { petId = "019b4150" });
        var path = $"/v1/orders/{order.Text("id")}";

        using var response = await SeedRequests.SendAsync(A, HttpMethod.Get, path);
        var read = await response.JsonAsync();
        var position = Assert.Single(response.Headers.GetValues("X-Sse-Position"));

        // On a busy machine the order may be shipped by now; then the stream may be over, and is empty.
        using var stream = await SeedRequests.SendAsync(B, HttpMethod.Get, $"{path}/status/stream", lastId: position);
        var text = await stream.TextAsync();

        Assert.DoesNotContain("event: resync", text, StringComparison.Ordinal);
        var streamed = string.Join(' ', Status().Matches(text).Select(match => match.Groups[1].Value));
        // The step of the read may come again, because its event may be in the log after the change.
        var at = Array.IndexOf(Steps, read.Text("status"));

        Assert.Contains(streamed, (string[])[StepsFrom(at), StepsFrom(at + 1)]);
    }

    private static string StepsFrom(int first) => string.Join(' ', Steps.Skip(first));

    private Task<int> RunsAsync() =>
        Store.AskAsync<int>(
            "select count(*)::int from eventstore.events "
                + "where topic like 'recommendations.%.log' and type = 'announced'"
        );

    private static void AssertSteps(SseReader reader)
    {
        Assert.Equal(Steps, reader.Events.Select(e => e.Json().Text("status")));
        Assert.Equal([null, null, null, "complete"], reader.Events.Select(e => e.Event));
        Assert.StartsWith("1Z", reader.Events.Last().Json().Text("trackingNumber"), StringComparison.Ordinal);
        Assert.All(
            reader.Events.SkipLast(1),
            e => Assert.EndsWith("Z", e.Json().Text("timestamp"), StringComparison.Ordinal)
        );
    }

    [GeneratedRegex("\"status\":\"(\\w+)\"")]
    private static partial Regex Status();
}
