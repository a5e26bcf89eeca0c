using System.Globalization;
using System.Net;

namespace Adopter.Orders;

/// <summary>An adopter's tests without Postgres: streams and resumes within one process.</summary>
public sealed class InMemoryTests : IAsyncLifetime
{
    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private IEventLog Log => _orders.App.Services.GetRequiredService<IEventLog>();

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartInMemoryAsync();

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Theory]
    [InlineData(null, 5_000, 7_000)]
    [InlineData("250", 250, 2_250)]
    public async Task A_process_that_stops_tells_its_clients_to_return_after_it_has_started_again(
        string? shortest,
        int from,
        int to
    )
    {
        string[] settings = shortest is null ? [] : ["--Sse:ShutdownRetryMilliseconds", shortest];
        await using var orders = await RunningOrders.StartInMemoryAsync(settings);
        await using var stream = await SseReader.OpenAtAsync(orders.Server, "/public/7");

        await orders.App.StopAsync(Stop);

        await stream.WaitForEndAsync();
        Assert.InRange(int.Parse(stream.Frames[^1].Retry!, CultureInfo.InvariantCulture), from, to);
    }

    [Fact]
    public async Task A_stream_gets_what_is_appended_and_resumes_after_its_last_id_without_a_gap()
    {
        string last;
        await using (var first = await SseReader.OpenAtAsync(_orders.Server, "/public/7"))
        {
            await _orders.ChangeAsync("7", "placed");
            await _orders.ChangeAsync("8", "placed");
            await first.WaitForEventsAsync(1);
            last = Assert.Single(first.Events).Id!;
        }

        await _orders.ChangeAsync("7", "paid");

        await using var second = await SseReader.OpenAsync(_orders.Server, "/public/7", last);
        await second.WaitForEventsAsync(1);
        await _orders.ChangeAsync("7", "shipped");
        await second.WaitForEventsAsync(2);
        Assert.Equal(["paid", "shipped"], second.Events.Select(e => e.Event));
        Assert.Empty(second.Resyncs);
    }

    [Fact]
    public async Task An_event_is_shown_as_the_application_forms_it_and_resumes_by_its_place_in_the_log()
    {
        await using var stream = await SseReader.OpenAtAsync(_orders.Server, "/shown/7");

        foreach (var state in (string[])["placed", "cancelled", "paid"])
            await _orders.ChangeAsync("7", state);

        await stream.WaitForEventsAsync(3);
        Assert.Equal(
            [("hello", "welcome"), ("state", """{"state":"placed"}"""), ("state", """{"state":"paid"}""")],
            stream.Events.Select(e => (e.Event!, e.Data!))
        );

        await using var second = await SseReader.OpenAsync(_orders.Server, "/shown/7", stream.Events.ElementAt(1).Id);
        await second.WaitForEventsAsync(2);
        Assert.Equal(stream.Events.Last(), second.Events.Last());
    }

    [Fact]
    public async Task A_message_has_the_type_of_the_event_in_its_data()
    {
        await using var stream = await SseReader.OpenAtAsync(_orders.Server, "/typed/7");
        await _orders.ChangeAsync("7", "placed");

        await stream.WaitForEventsAsync(1);
        var placed = stream.Events.First();
        Assert.Equal((null, """{"type":"placed","id":"7","state":"placed"}"""), (placed.Event, placed.Data));
    }

    [Fact]
    public async Task Items_of_the_application_s_own_follow_the_client_s_last_id_and_end_the_stream()
    {
        await using var stream = await SseReader.OpenAsync(_orders.Server, "/steps", lastId: "4").ToEndAsync();
        Assert.True(stream.EndedProperly);
        Assert.Equal("7000", Assert.Single(stream.Frames, frame => frame.Retry is not null).Retry);
        Assert.Contains(stream.Frames, frame => frame.Comment == "three steps");
        Assert.Equal(
            [("5", """{"step":5}"""), ("6", "two\nlines"), ("7", """{"step":7}""")],
            stream.Events.Select(e => (e.Id!, e.Data!))
        );
        Assert.All(stream.Events, e => Assert.Equal("step", e.Event));
    }

    /// <summary>More events than a process keeps for resumes, so that they are read from the log.</summary>
    [Fact]
    public async Task A_stream_from_the_earliest_event_gets_all_in_order()
    {
        const int Events = 10_000;
        var paid = Enumerable.Range(0, Events).Select(i => NewEvent.Of($"orders.{i % 2}.paid", "paid", i));
        await Log.AppendAsync([.. paid], Stop);

        await using var stream = await SseReader.OpenAtAsync(_orders.Server, "/public/1?from=earliest");
        await stream.WaitForEventsAsync(Events / 2);
        Assert.Equal(Enumerable.Range(0, Events).Where(i => i % 2 == 1), stream.Numbers);
    }

    [Fact]
    public async Task The_open_streams_are_listed_with_their_latency_and_closed_one_by_one()
    {
        await using var followed = await SseReader.OpenAtAsync(_orders.Server, "/public/7");
        await using var other = await SseReader.OpenAtAsync(_orders.Server, "/public/8");
        await _orders.ChangeAsync("7", "placed");
        await followed.WaitForEventsAsync(1);

        Assert.NotEqual(HttpStatusCode.OK, (await _orders.Client.GetAsync("/connections", Stop)).StatusCode);
        using var signedIn = await _orders.Client.PostAsync("/sign-in/operator", content: null, Stop);

        // A client may read what was written, and the end, a moment before they are noted.
        SseConnection[] listed = [];
        await Eventually.HoldsAsync(async () =>
            (listed = await ConnectionsAsync()).Any(connection => connection.Delivered > 0)
        );
        var connection = Assert.Single(listed, c => c.Topics.SequenceEqual(["orders.7.>"]));
        Assert.Equal(2, listed.Length);
        Assert.Equal((1, "live", 0L), (connection.Delivered, connection.State, connection.Lag));
        Assert.True(connection.Bytes > 0);
        Assert.InRange(connection.LatencyMs.P50!.Value, double.Epsilon, 60_000);

        var path = $"/connections/{connection.Id}";
        Assert.Equal(HttpStatusCode.NoContent, (await _orders.Client.DeleteAsync(path, Stop)).StatusCode);
        await followed.WaitForEndAsync();
        await Eventually.HoldsAsync(async () =>
            (await _orders.Client.DeleteAsync(path, Stop)).StatusCode == HttpStatusCode.NotFound
        );
        Assert.Equal(["orders.8.>"], Assert.Single(await ConnectionsAsync()).Topics);

        async Task<SseConnection[]> ConnectionsAsync() =>
            (await _orders.Client.GetFromJsonAsync<SseConnection[]>("/connections", Stop))!;
    }

    [Fact]
    public async Task The_log_reads_what_was_appended_and_appends_an_id_once()
    {
        var paid = new NewEvent("orders.7.paid", "paid", "1", id: Guid.NewGuid());
        var shipped = new NewEvent("orders.7.shipped", "shipped", "2");
        var appended = await Log.AppendAsync([paid, shipped], Stop);

        Assert.Equal(appended[0], (await Log.AppendAsync([paid], Stop))[0]);

        // All or nothing.
        await Assert.ThrowsAsync<EventConflictException>(() =>
            Log.AppendAsync([shipped, paid with { Data = "3" }], Stop)
        );

        var page = await Log.ReadAsync(new() { Filter = new EventFilter([$"orders.7.*"]) }, Stop);
        Assert.Equal(["paid", "shipped"], page.Events.Select(e => e.Type));
        Assert.Equal((2, page.Next), (page.Next.Position, page.Head));
    }

    [Fact]
    public void What_needs_Postgres_or_Redis_says_so()
    {
        // In Development the whole set of services is checked.
        var builder = WebApplication.CreateBuilder(["--environment", "Development"]);
        builder.AddInMemoryEventLog();
        Assert.Throws<InvalidOperationException>(() => builder.AddSse(redis: "redis"));

        var early = Assert.Throws<InvalidOperationException>(() => builder.AddSseRuns());
        Assert.Contains("AddSse(", early.Message, StringComparison.Ordinal);

        builder.AddSse();
        var runs = Assert.Throws<InvalidOperationException>(() => builder.AddSseRuns());
        Assert.Contains("Postgres", runs.Message, StringComparison.Ordinal);

        using var app = (IDisposable)builder.Build();
        var error = Assert.Throws<InvalidOperationException>(() => ((WebApplication)app).MapSseTickets());
        Assert.Contains("Postgres", error.Message, StringComparison.Ordinal);
    }
}
