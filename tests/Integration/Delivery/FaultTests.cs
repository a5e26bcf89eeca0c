using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Integration.Delivery;

/// <summary>Injected faults. No reader loses an event, gets one twice, or waits for one.</summary>
[Trait("Takes", "long")]
public sealed class FaultTests(FaultTests.TwoReplicas fixture) : IClassFixture<FaultTests.TwoReplicas>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    public sealed class TwoReplicas : SharedWorld
    {
        protected override int Replicas => 2;

        // Otherwise a slow store decides how an id of another epoch is answered.
        protected override Dictionary<string, string> Settings => new() { ["Streaming__HeadMilliseconds"] = "10000" };
    }

    [Fact]
    public async Task SIGTERM_ends_every_stream_properly_with_a_reconnection_time_and_the_process_exits()
    {
        await using var leaving = (await _system.StartReplicaAsync(asProcess: true)).Process;
        var readers = new List<SseReader>();
        for (var i = 0; i < 50; i++)
            readers.Add(await SseReader.OpenAtAsync(leaving.Url, Stream));
        await World.PublishNumbersAsync(_system.Replicas[1], T("1"), 1, 1);
        foreach (var reader in readers)
            await reader.WaitForEventsAsync(1);
        leaving.Terminate();

        foreach (var reader in readers)
        {
            await reader.WaitForEndAsync();
            Assert.True(reader.EndedProperly);
            Assert.NotNull(reader.Frames[^1].Retry);
        }

        Assert.True(
            readers.Select(r => r.Frames[^1].Retry).Distinct().Count() > 10,
            "every client was told the same time"
        );

        await leaving.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, leaving.ExitCode);

        await World.PublishNumbersAsync(_system.Replicas[1], T("1"), 2, 3);
        await using var resumed = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream, readers[0].LastId);
        await resumed.WaitForEventsAsync(3);
        Assert.Equal([2, 3, 4], Numbers(resumed));

        foreach (var reader in readers)
            await reader.DisposeAsync();
    }

    [Fact]
    public async Task A_reset_of_the_store_is_a_new_epoch_and_every_reader_gets_a_resync()
    {
        await using var open = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var other = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream);
        var before = await World.PublishNumbersAsync(_system.Replicas[0], T("1"), 1, 5);
        foreach (var reader in (SseReader[])[open, other])
            await reader.WaitForEventsAsync(5);
        await using (var reset = _system.Database.CreateCommand("select eventstore.reset()"))
            await reset.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        foreach (var reader in (SseReader[])[open, other])
        {
            await reader.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
            var resync = JsonDocument.Parse(reader.Frames.Single(f => f.Event == "resync").Data!).RootElement;
            Assert.Equal(
                ("epoch", before[^1]),
                (resync.GetProperty("reason").GetString(), resync.GetProperty("requested").GetString())
            );
        }
        await World.PublishNumbersAsync(_system.Replicas[0], T("1"), 6, 2);
        foreach (var reader in (SseReader[])[open, other])
        {
            await reader.WaitForEventsAsync(7);
            Assert.NotEqual(before[0].Split('-')[0], reader.LastId!.Split('-')[0]);
        }
        await using var returning = await SseReader.OpenAsync(_system.Replicas[0].Url, Stream, before[^1]);
        await returning.WaitAsync(r => r.Frames.Any(f => f.Event == "resync"));
    }

    [Fact]
    public async Task A_full_server_refuses_new_streams_but_admits_returning_ones()
    {
        await using var small = await _system.StartReplicaAsync(
            new() { ["Streaming__MaxConnections"] = "10", ["Streaming__ResumeReservePercent"] = "10" }
        );
        var server = small.Url;
        var readers = new List<SseReader>();
        for (var i = 0; i < 10; i++)
            readers.Add(await SseReader.OpenAtAsync(server, Stream));
        using var http = new HttpClient();
        using (var refused = await http.GetAsync(new Uri(server, Stream), HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        // 503 would stop a browser for good, so a resuming one without a place gets a reconnection time and the end.
        await using (var admitted = await SseReader.OpenAtAsync(server, Stream, readers[0].LastId))
        await using (var turnedAway = await SseReader.OpenAsync(server, Stream, readers[0].LastId))
        {
            await turnedAway.WaitForEndAsync();
            Assert.True(turnedAway.EndedProperly);
            Assert.NotNull(turnedAway.Frames[^1].Retry);
            Assert.DoesNotContain(turnedAway.Frames, f => f.Id is not null);
        }
        foreach (var reader in readers)
            await reader.DisposeAsync();
        await Eventually.HoldsAsync(
            async () =>
            {
                using var again = await http.GetAsync(
                    new Uri(server, Stream),
                    HttpCompletionOption.ResponseHeadersRead
                );
                return again.IsSuccessStatusCode;
            },
            "the places are free again"
        );
    }

    [Fact]
    public async Task Positions_become_visible_in_order_and_a_slow_transaction_delays_only_its_own_event()
    {
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream);
        await using var connection = await _system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var slow = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await global::EventStore.Outbox.AddAsync(
            connection,
            slow,
            new(T("slow"), "n", "-1"),
            TestContext.Current.CancellationToken
        );

        var writers = Enumerable
            .Range(0, 8)
            .Select(async w =>
            {
                for (var i = 0; i < 50; i++)
                    await World.PublishAsync(_system.Replicas[w % 2], new EventBody(T($"{w}"), "n", w * 1_000 + i));
            });
        await Task.WhenAll(writers);
        await reader.WaitForEventsAsync(400);
        Assert.DoesNotContain(reader.Events, e => e.Data == "-1");
        await slow.CommitAsync(TestContext.Current.CancellationToken);
        await reader.WaitForEventsAsync(401);
        Assert.Equal("-1", reader.Events.Last().Data);

        var positions = reader
            .Events.Select(e => long.Parse(e.Id!.Split('-')[1], CultureInfo.InvariantCulture))
            .ToList();
        Assert.Equal(positions.Distinct().Order(), positions);
        foreach (
            var writer in reader
                .Events.SkipLast(1)
                .GroupBy(e => int.Parse(e.Data!, CultureInfo.InvariantCulture) / 1_000)
        )
            Assert.Equal(
                Enumerable.Range(0, 50),
                writer.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture) % 1_000)
            );
    }

    [Fact]
    public async Task An_outbox_event_never_exists_where_its_transaction_rolled_back()
    {
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var connection = await _system.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var undone = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await global::EventStore.Outbox.AddAsync(
                connection,
                undone,
                new(T("1"), "undone", "1"),
                TestContext.Current.CancellationToken
            );
            await undone.RollbackAsync(TestContext.Current.CancellationToken);
        }
        await global::EventStore.Outbox.AddAsync(
            connection,
            null,
            new(T("1"), "done", "2"),
            TestContext.Current.CancellationToken
        );
        await reader.WaitForEventsAsync(1);
        Assert.Equal("done", Assert.Single(reader.Events).Event);
    }

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
}
