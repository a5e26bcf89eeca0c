using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A replica that alone is cut off from Postgres, while all others reach it.</summary>
public sealed class CutOffTests(CutOffTests.OneOfTwo fixture) : IClassFixture<CutOffTests.OneOfTwo>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    public sealed class OneOfTwo : OneOfTwoLinked
    {
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["AspireSse__Streaming__StoreCheckSeconds"] = "1",
                ["AspireSse__EventStore__UnhealthySeconds"] = "1",
                ["AspireSse__EventStore__CommandTimeoutSeconds"] = "2",
            };
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("frozen")]
    public async Task A_replica_without_Postgres_delivers_from_Redis_and_refuses_publishes_with_503(string fault)
    {
        var system = await WholeAsync();
        var (cutOff, other) = (system.Replicas[0], system.Replicas[1]);
        await using var reader = await SseReader.OpenAtAsync(cutOff.Url, Stream);

        // The replica keeps the connection of this publish, which must not fail the next one after the outage.
        await World.PublishNumbersAsync(cutOff, T("1"), 1, 5);
        await reader.WaitForEventsAsync(5);

        if (fault == "cut")
            system.Postgres.Cut();
        else
            system.Postgres.Freeze();

        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.ServiceUnavailable);

        // On a topic of its own: Postgres may commit it when the link passes on what it had taken.
        using (var refused = await World.PostAsync(cutOff, new EventBody($"{_root}-refused", "n", 0)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        }

        // Waits for each event: one that came by a comparison with the store would not be enough.
        for (var n = 6; n <= 15; n++)
        {
            await World.PublishNumbersAsync(other, T("1"), n, 1);
            await reader.WaitForEventsAsync(n);
        }

        await ReplicaHealth.IsAsync(other, HttpStatusCode.OK);
        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.ServiceUnavailable);
        await using var fresh = await SseReader.OpenAtAsync(cutOff.Url, Stream);

        await World.PublishNumbersAsync(other, T("1"), 16, 1);
        await fresh.WaitForEventsAsync(1);

        system.Postgres.Heal();
        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.OK);
        await World.PublishNumbersAsync(cutOff, T("1"), 17, 3);
        await reader.WaitForEventsAsync(19);
        Assert.Equal(Enumerable.Range(1, 19), reader.Numbers);
    }

    /// <summary>Without them its client would publish the stored lines again.</summary>
    [Fact]
    public async Task Lines_that_an_outage_cuts_are_503_with_the_number_of_those_that_are_stored()
    {
        var system = await WholeAsync();
        var cutOff = system.Replicas[0];
        using var http = new HttpClient();
        using var body = new CutLines(T("lines"), CutAsync);

        using var refused = await http.PostAsync(
            new Uri(cutOff.Url, "/v1/events"),
            body,
            TestContext.Current.CancellationToken
        );
        var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal((101, 100), (problem.GetProperty("line").GetInt32(), problem.GetProperty("accepted").GetInt32()));

        async Task CutAsync()
        {
            // The 101st line has the first hundred stored.
            await Eventually.HoldsAsync(async () =>
                (await SeedRequests.GetAsync(cutOff.Url, $"/v1/events?topic={T("lines")}"))
                    .GetProperty("events")
                    .GetArrayLength() == 100
            );
            system.Postgres.Cut();
        }
    }

    [Fact]
    public async Task An_event_too_large_for_Redis_delays_only_its_own_readers()
    {
        var system = await WholeAsync();
        var (cutOff, other) = (system.Replicas[0], system.Replicas[1]);
        await using var small = await SseReader.OpenAtAsync(cutOff.Url, $"/v1/events/stream?topic={T("small")}");
        await using var large = await SseReader.OpenAtAsync(cutOff.Url, $"/v1/events/stream?topic={T("large")}");

        await World.PublishNumbersAsync(other, T("small"), 1, 1);
        await small.WaitForEventsAsync(1);
        system.Postgres.Freeze();
        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.ServiceUnavailable);
        await World.PublishAsync(other, new EventBody(T("large"), "n", new string('x', 200_000)));
        await World.PublishNumbersAsync(other, T("small"), 2, 3);
        await small.WaitForEventsAsync(4);
        Assert.Empty(large.Events);
        system.Postgres.Heal();
        await World.PublishNumbersAsync(other, T("large"), 4, 1);
        await large.WaitForEventsAsync(2);
        Assert.Equal([200_002, 1], large.Events.Select(e => e.Data!.Length));
    }

    /// <summary>A stream that begins at the head does not wait: it has the replica's own.</summary>
    [Fact]
    public async Task A_stream_that_only_the_store_can_begin_waits_for_a_slow_one()
    {
        var system = await WholeAsync();
        var slow = system.Replicas[0];
        await World.PublishNumbersAsync(slow, T("slow"), 1, 2);
        var opened = $"/v1/events/stream?topic={T("slow")}&from=earliest";
        Task<SseReader> opening;

        system.Postgres.Freeze();
        try
        {
            opening = SseReader.OpenAsync(slow.Url, opened);
            // By then one that does not wait would have been sent away.
            await using var atHead = await SseReader.OpenAtAsync(slow.Url, Stream);
        }
        finally
        {
            system.Postgres.Heal();
        }

        await using var reader = await opening;
        await reader.WaitForEventsAsync(2);
        Assert.Equal([1, 2], reader.Numbers);
    }

    [Fact]
    public async Task A_replica_waits_for_Postgres_after_Redis_lost_an_event_and_then_delivers_all_in_order()
    {
        var system = await WholeAsync();
        var (cutOff, other) = (system.Replicas[0], system.Replicas[1]);
        await using var reader = await SseReader.OpenAtAsync(cutOff.Url, Stream);

        await World.PublishNumbersAsync(other, T("1"), 1, 2);
        await reader.WaitForEventsAsync(2);
        system.Postgres.Cut();
        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.ServiceUnavailable);
        system.Redis.Cut();

        var lost = await World.PublishNumbersAsync(other, T("1"), 3, 2);
        // Its client comes from a replica that is ahead: the id is believed.
        await using var moved = await SseReader.OpenAtAsync(cutOff.Url, Stream, lost[0]);
        Assert.Equal(lost[0], moved.Frames.First(f => f.Id is not null).Id);

        // If they were relayed after the repair, they would not be lost.
        await system.WaitForRelayAsync(lost[^1]);
        system.Redis.Heal();
        await ReplicaHealth.SaysAsync(cutOff, "only Postgres has");
        await World.PublishNumbersAsync(other, T("1"), 5, 2);
        Assert.Equal([1, 2], reader.Numbers);

        system.Postgres.Heal();
        await reader.WaitForEventsAsync(6);
        Assert.Equal(Enumerable.Range(1, 6), reader.Numbers);
        await moved.WaitForEventsAsync(3);
        Assert.Equal([4, 5, 6], moved.Numbers);
        Assert.Empty(moved.Resyncs);
        await ReplicaHealth.IsAsync(cutOff, HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_Redis_a_replica_is_degraded_which_is_200()
    {
        var system = await WholeAsync();
        system.Redis.Cut();
        await ReplicaHealth.SaysAsync(system.Replicas[0], "No heartbeat from the Broadcaster", HttpStatusCode.OK);
    }

    /// <summary>Repairs the damage of the test before, and returns the system.</summary>
    private async Task<World> WholeAsync()
    {
        fixture.System.Postgres.Heal();
        fixture.System.Redis.Heal();
        await ReplicaHealth.IsAsync(fixture.System.Replicas[0], HttpStatusCode.OK);
        await fixture.System.WaitForModeAsync("live");
        return fixture.System;
    }

    /// <summary>150 lines of NDJSON, then a fault, and as many again.</summary>
    private sealed class CutLines : HttpContent
    {
        private readonly byte[] _half;
        private readonly Func<Task> _fault;

        public CutLines(string topic, Func<Task> fault)
        {
            var line = $$"""{"topic":"{{topic}}","type":"n","data":1}""" + "\n";
            _half = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(line, 150)));
            _fault = fault;
            Headers.ContentType = new("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_half);
            await stream.FlushAsync();
            await _fault();
            await stream.WriteAsync(_half);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
