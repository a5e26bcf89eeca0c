using System.Globalization;
using System.Net;
using Harness;

namespace Integration.Delivery;

/// <summary>A replica whose readers are quiet while others' topics are busy leaves the page indexes, and its readers
/// miss nothing.</summary>
public sealed class QuietReplicaTests(QuietReplicaTests.OneOfTwo fixture) : IClassFixture<QuietReplicaTests.OneOfTwo>
{
    // The tests share the servers; topics of its own keep each from the others.
    private readonly string _quiet = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private RunningService Replica => _system.Replicas[0];
    private RunningService Publisher => _system.Replicas[1];

    /// <summary>The replicas leave the indexes soon.</summary>
    public sealed class OneOfTwo : OneOfTwoLinked
    {
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["Streaming__StoreCheckSeconds"] = "600",
                ["Streaming__IdleLogLifetime"] = "00:00:01",
                ["Streaming__LeaveIndexesAfter"] = "00:00:01",
                ["Streaming__HeartbeatSeconds"] = "1",
                ["EventStore__UnhealthySeconds"] = "1",
                ["Streaming__BodyMilliseconds"] = "10000",
            };

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            await System.WaitForModeAsync("live");
        }
    }

    [Fact]
    public async Task Readers_of_a_replica_that_has_left_the_indexes_get_each_event_once_and_in_order()
    {
        const int Rounds = 4,
            Events = 20;
        await using var reader = await SseReader.OpenAtAsync(Replica.Url, $"/v1/events/stream?topic={_quiet}");
        await using var load = new Load(Publisher, Busy());
        for (var round = 0; round < Rounds; round++)
        {
            await SubscribedAsync(Slot(_quiet));
            // Without an answer the replica does not return to the indexes; a heartbeat tells it of the events.
            if (round % 2 == 1)
                _system.Redis.HoldRequests();
            for (var n = 1; n <= Events; n++)
                await World.PublishNumbersAsync(Publisher, _quiet, round * Events + n, 1);
            await reader.WaitForEventsAsync((round + 1) * Events);
            _system.Redis.Heal();
        }
        await load.DisposeAsync();

        // Few indexes are no reason to leave them.
        await World.PublishNumbersAsync(Publisher, _quiet, Rounds * Events + 1, 1);
        await SubscribedAsync("pages", Slot(_quiet));
        await reader.WaitForEventsAsync(Rounds * Events + 1);
        Assert.Equal(Enumerable.Range(1, Rounds * Events + 1), reader.Numbers);
    }

    [Fact]
    public async Task A_replica_that_has_left_the_indexes_and_then_loses_Postgres_delivers_from_Redis()
    {
        await using var reader = await SseReader.OpenAtAsync(Replica.Url, $"/v1/events/stream?topic={_quiet}");
        await using var load = new Load(Publisher, Busy());
        await SubscribedAsync(Slot(_quiet));
        _system.Postgres.Cut();
        await ReplicaHealth.IsAsync(Replica, HttpStatusCode.ServiceUnavailable);
        await SubscribedAsync("pages", Slot(_quiet));
        var others = World.Position((await World.PublishNumbersAsync(Publisher, Busy(), 0, 1))[0]);
        await reader.WaitAsync(r => r.LastId is { } id && World.Position(id) >= others);

        for (var n = 1; n <= 5; n++)
        {
            await World.PublishNumbersAsync(Publisher, _quiet, n, 1);
            await reader.WaitForEventsAsync(n);
        }
        await ReplicaHealth.IsAsync(Replica, HttpStatusCode.ServiceUnavailable);
        _system.Postgres.Heal();
        await load.DisposeAsync();
        await ReplicaHealth.IsAsync(Replica, HttpStatusCode.OK);
        Assert.Equal(Enumerable.Range(1, 5), reader.Numbers);
    }

    /// <summary>Returns a topic of another slot.</summary>
    private string Busy() =>
        Enumerable.Range(0, 10).Select(n => $"{_quiet}-{n}").First(topic => Slot(topic) != Slot(_quiet));

    private Task SubscribedAsync(params string[] expected) => SubscribedChannels.WaitForAsync(_system, expected);

    private static string Slot(string topic) => Relayed.Slots.Of(topic).ToString(CultureInfo.InvariantCulture);

    /// <summary>Publishes events of a topic, in more than the ten pages a second for which a replica leaves the
    /// indexes, even if each request takes long.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private const int Publishers = 4;

        private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);

        private readonly Task _publishing;
        private volatile bool _ends;

        public Load(RunningService replica, string topic) =>
            _publishing = Task.WhenAll(Enumerable.Range(0, Publishers).Select(_ => PublishAsync(replica, topic)));

        /// <summary>Stops. A test that has failed must not leave its load to the next one.</summary>
        public async ValueTask DisposeAsync()
        {
            _ends = true;
            await _publishing;
        }

        private async Task PublishAsync(RunningService replica, string topic)
        {
            using var pace = new PeriodicTimer(Pace);
            for (var n = 1; !_ends; n++)
            {
                await World.PublishNumbersAsync(replica, topic, n, 1);
                await pace.WaitForNextTickAsync();
            }
        }
    }
}
