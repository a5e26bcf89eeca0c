using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Erased events are gone, from Postgres and from every replica, and nothing else is.</summary>
public sealed class ErasureTests(TwoReplicas shared) : IClassFixture<TwoReplicas>
{
    private readonly string _root = $"e{Guid.NewGuid():N}";

    private string Secret => $"secret-{_root}";
    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private static readonly HttpClient Http = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;
    private World System => shared.System;

    [Fact]
    public async Task A_reader_that_resumes_across_an_erasure_gets_all_neighbours_and_not_the_data_on_any_replica()
    {
        await using var onA = await SseReader.OpenAtAsync(System.Replicas[0].Url, Stream);
        await using var onB = await SseReader.OpenAtAsync(System.Replicas[1].Url, Stream);
        var ids = await PublishAsync(("first", "1"), ("ann", Secret), ("ann.orders", Secret), ("anna", "2"));
        foreach (var open in (SseReader[])[onA, onB])
            await open.WaitForEventsAsync(4);

        // From the memory of each replica, before and after.
        foreach (var replica in System.Replicas)
            Assert.Equal(3, (await ResumeAsync(replica, ids[0], 3)).Length);
        var erased = await EraseAsync("ann");
        Assert.Equal(2, erased.GetProperty("events").GetInt64());
        await Task.WhenAll(System.Replicas.Select(replica => ForgottenAsync(replica, ids[0])));

        // The newest event may be an erased one: the head stays.
        Assert.Equal(1, (await EraseAsync("anna")).GetProperty("events").GetInt64());
        var last = await PublishAsync(("first", "3"));
        Assert.True(World.Position(last[0]) > World.Position(ids[3]));
        foreach (var open in (SseReader[])[onA, onB])
        {
            await open.WaitForEventsAsync(5);
            Assert.Equal([.. ids, .. last], open.Events.Select(e => e.Id));
            Assert.Empty(open.Resyncs);
        }
    }

    [Fact]
    public async Task No_table_has_the_data_and_a_record_says_who_erased_it_and_why()
    {
        await PublishAsync(("ann", Secret), ("bob", "1"));
        await using (var connection = await System.Database.OpenConnectionAsync(Stop))
        {
            // Refused rows are for an operator to correct.
            await using var aside = new NpgsqlCommand(
                "insert into eventstore.outbox_refused (ordinal, id, topic, type, data, reason) "
                    + $"values (-1, gen_random_uuid(), '{_root}.ann', 'n', '\"{Secret}\"', 'r')",
                connection
            );
            await aside.ExecuteNonQueryAsync(Stop);
        }
        Assert.NotEmpty(await System.Database.TablesWithAsync(Secret));

        var erased = await EraseAsync("ann");

        Assert.Equal(1, erased.GetProperty("outboxRows").GetInt64());
        await AskAsync("vacuum");
        Assert.Empty(await System.Database.TablesWithAsync(Secret));
        Assert.Equal(
            "asked by its owner, 1 events, by somebody",
            await AskAsync(
                "select reason || ', ' || events || ' events, ' || case when erased_by <> '' then 'by somebody' end "
                    + $"from eventstore.erasures where number = {erased.GetProperty("number")}"
            )
        );
        // The list of topics counts what is left.
        var topics = await JsonAsync($"/v1/topics?prefix={_root}.");
        var left = Assert.Single(topics.GetProperty("topics").EnumerateArray());
        Assert.Equal($"{_root}.bob", left.GetProperty("topic").GetString());
    }

    [Fact]
    public async Task An_outbox_row_that_is_not_yet_moved_is_erased()
    {
        await using var connection = await System.Database.OpenConnectionAsync(Stop);
        // Keeps the leader from moving the row, which commits meanwhile.
        await using var held = await System.Database.OpenConnectionAsync(Stop);
        await using var holding = await held.BeginTransactionAsync(Stop);
        await using (var hold = new NpgsqlCommand("select eventstore.lock_log()", held, holding))
            await hold.ExecuteNonQueryAsync(Stop);
        await connection.AddToOutboxAsync(new NewEvent($"{_root}.ann", "n", $"\"{Secret}\""));

        var erased = await EraseAsync("ann");

        await holding.RollbackAsync(Stop);
        Assert.Equal(1, erased.GetProperty("events").GetInt64() + erased.GetProperty("outboxRows").GetInt64());
        await AskAsync("vacuum");
        Assert.Empty(await System.Database.TablesWithAsync(Secret));
    }

    [Fact]
    public async Task An_id_stays_spent_and_an_erasure_can_be_repeated()
    {
        var one = new EventBody($"{_root}.ann", "n", 7, Id: Guid.NewGuid());
        var first = await World.RepeatAsync(System.Replicas[0], one);
        var byId = await EraseAsync(ids: [one.Id!.Value]);
        Assert.Equal(1, byId.GetProperty("events").GetInt64());

        Assert.Equal(first, await World.RepeatAsync(System.Replicas[1], one));
        var other = one with { Data = 8 };
        using (var refused = await World.PostAsync(System.Replicas[0], other))
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);

        var again = await EraseAsync(ids: [one.Id!.Value]);
        Assert.Equal(0, again.GetProperty("events").GetInt64());
        Assert.Empty(again.GetProperty("unknown").EnumerateArray());
    }

    [Theory]
    [InlineData("generations")]
    [InlineData("agents")]
    public async Task The_key_of_an_erased_run_stays_spent_and_a_repetition_stores_nothing(string kind)
    {
        await AskModelAsync(System.Replicas[0], Secret);
        var id = (string)(await AskAsync($"select answer from eventstore.idempotency_keys where key = '{_root}'"))!;
        await Eventually.HoldsAsync(
            async () => await AskAsync($"select 1 from eventstore.runs where run = '{kind}.{id}'") is null,
            "the run has ended"
        );
        using (var erased = await SendAsync([$"{kind}.{id}"], []))
            Assert.Equal(HttpStatusCode.OK, erased.StatusCode);

        Assert.Equal(HttpStatusCode.Conflict, await AskModelAsync(System.Replicas[1], Secret));
        Assert.Equal(HttpStatusCode.Conflict, await AskModelAsync(System.Replicas[0], "other"));

        Assert.Null(await AskAsync($"select 1 from eventstore.events where topic like '{kind}.{id}%' limit 1"));
        await AskAsync("vacuum");
        Assert.Empty(await System.Database.TablesWithAsync(Secret));

        async Task<HttpStatusCode> AskModelAsync(RunningService replica, string prompt)
        {
            using var request =
                kind == "generations"
                    ? new HttpRequestMessage(HttpMethod.Post, new Uri(replica.Url, "/v1/generations"))
                    {
                        Content = JsonContent.Create(
                            new { model = "demo", messages = new[] { new { role = "user", content = prompt } } }
                        ),
                    }
                    : new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Url, $"/stream?prompt={prompt}"));
            request.Headers.Add("Idempotency-Key", _root);
            using var answer = await Http.SendAsync(request, Stop);
            await answer.Content.ReadAsStringAsync(Stop);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task A_topic_that_never_was_is_told()
    {
        await PublishAsync(("ann", Secret));

        var erased = await EraseAsync("ann", "nobody");

        Assert.Equal(1, erased.GetProperty("events").GetInt64());
        var unknown = Assert.Single(erased.GetProperty("unknown").EnumerateArray());
        Assert.Equal($"{_root}.nobody", unknown.GetString());
    }

    [Fact]
    public async Task An_open_run_is_refused_and_nothing_is_erased()
    {
        await PublishAsync(("ann", Secret));
        await AskAsync(
            $"insert into eventstore.runs (run, writer, will) values ('{_root}.ann.answer', gen_random_uuid(), '[]')"
        );

        using var refused = await SendAsync([$"{_root}.ann"], []);

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains($"{_root}.ann.answer", await refused.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        Assert.Equal(1, (await JsonAsync($"/v1/events?topic={_root}.ann")).GetProperty("events").GetArrayLength());
        await AskAsync($"delete from eventstore.runs where run = '{_root}.ann.answer'");
    }

    private async Task<string[]> PublishAsync(params (string Topic, string Data)[] events)
    {
        var bodies = events.Select(e => new
        {
            topic = $"{_root}.{e.Topic}",
            type = "n",
            data = e.Data,
        });
        return await World.PublishAsync(System.Replicas[0], [.. bodies]);
    }

    private Task<JsonElement> EraseAsync(params string[] topics) => EraseAsync(topics, []);

    private Task<JsonElement> EraseAsync(Guid[] ids) => EraseAsync([], ids);

    private async Task<JsonElement> EraseAsync(string[] topics, Guid[] ids)
    {
        using var answer = await SendAsync([.. topics.Select(topic => $"{_root}.{topic}")], ids);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Stop);
    }

    private Task<HttpResponseMessage> SendAsync(string[] topics, Guid[] ids) =>
        Http.PostAsJsonAsync(
            new Uri(System.Replicas[0].Url, "/v1/erasures"),
            new
            {
                topics,
                ids,
                reason = "asked by its owner",
            },
            Stop
        );

    private async Task<string[]> ResumeAsync(RunningService replica, string lastId, int count)
    {
        await using var reader = await SseReader.OpenAtAsync(replica.Url, Stream, lastId);
        await reader.WaitForEventsAsync(count);
        Assert.Empty(reader.Resyncs);
        return [.. reader.Events.Select(e => e.Data!)];
    }

    /// <summary>Waits until a replica sends what is left after the event, and nothing else.</summary>
    private Task ForgottenAsync(RunningService replica, string lastId) =>
        Eventually.HoldsAsync(
            async () => (await ResumeAsync(replica, lastId, 1)) is ["\"2\""],
            "the replica has forgotten what was erased"
        );

    private async Task<JsonElement> JsonAsync(string path) =>
        await Http.GetFromJsonAsync<JsonElement>(new Uri(System.Replicas[1].Url, path), Stop);

    private async Task<object?> AskAsync(string sql)
    {
        await using var command = System.Database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Stop);
    }
}
