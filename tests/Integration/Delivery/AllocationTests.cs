using System.Diagnostics;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>
/// What a replica and a Broadcaster allocate and how often they wake up, from the inside of their processes, and how
/// often they send, from the readers' sockets. It depends on the code and hardly on the machine, so that a test can
/// hold what a benchmark would only show. The ceilings only get lower.
/// </summary>
[Trait("Takes", "long")]
public sealed class AllocationTests
{
    private const int Readers = 500,
        Streams = 50,
        Posts = 40,
        Rounds = 3;

    /// <summary>Events of a POST whose deliveries are measured. What the processes do in the background, 100 kB a
    /// second each, is subtracted, as a second at rest has it: with more deliveries its changes weigh less.</summary>
    private const int Page = 20;

    /// <summary>Bytes of an event from its POST to its one reader, in both processes: 31,200 measured.</summary>
    private const double MostPerEvent = 35_000;

    /// <summary>Wake-ups of an event from its POST to its one reader, in both processes: 36 to 40 measured.</summary>
    private const double MostWakeUps = 60;

    /// <summary>System calls that send to a reader, of an event and of a page: one, and at times a position or a
    /// heartbeat.</summary>
    private const double MostSends = 1.2;

    /// <summary>Bytes of a stream from its request to its end: 40,800 measured.</summary>
    private const double MostPerConnect = 43_000;

    [Fact]
    public async Task A_delivery_allocates_nothing_an_event_and_a_connect_little_and_no_stream_throws()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The server is asked through a Unix socket.");
        var folder = Directory.CreateTempSubdirectory("allocation");
        ServerProbe[] probes =
        [
            new(Path.Combine(folder.FullName, "replica")),
            new(Path.Combine(folder.FullName, "broadcaster")),
        ];
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        var replica = await system.StartReplicaAsync(new(probes[0].Environment), asProcess: true);
        await system.StartBroadcasterAsync(new(probes[1].Environment), asProcess: true);
        await system.WaitForModeAsync("live");
        await using var alone = await RawSubscribers.OpenAsync(replica.Url, "/v1/events/stream?topic=alone", 1);
        await using var crowd = await RawSubscribers.OpenAsync(replica.Url, "/v1/events/stream?topic=crowd", Readers);

        // In turns, so that what the replica does beside them is in both; the first round warms up.
        var perEvent = new List<double>();
        var perDelivery = new List<double>();
        var wakeUps = new List<double>();
        var sends = new List<double>();
        for (var round = 0; round <= Rounds; round++)
        {
            var background = await AtRestAsync();
            var single = await PublishAsync(alone, "alone", page: 1, background);
            var toOne = await PublishAsync(alone, "alone", Page, background);
            var toAll = await PublishAsync(crowd, "crowd", Page, background);

            if (round == 0)
                continue;

            perEvent.Add(single.Bytes / Posts);
            wakeUps.Add(single.WakeUps / Posts);
            perDelivery.Add((toAll.Bytes - toOne.Bytes) / (Posts * Page * (Readers - 1)));
            sends.Add(single.Sends / Posts);
            sends.Add(toAll.Sends / (Posts * Readers));
        }

        var perConnect = new List<double>();
        var thrown = probes[0].Thrown();
        for (var round = 0; round <= Rounds; round++)
        {
            var background = await AtRestAsync();
            var before = Used();
            var clock = Stopwatch.StartNew();
            await using (await RawSubscribers.OpenAsync(replica.Url, "/v1/events/stream?topic=alone", Streams)) { }

            await Eventually.HoldsAsync(
                async () => await StreamsAsync(replica) == Readers + 1,
                "the streams have ended"
            );

            if (round > 0)
                perConnect.Add((Used() - before - background * clock.Elapsed.TotalSeconds).Bytes / Streams);
        }

        var measured =
            $"a delivery {Median(perDelivery):0.00} B, an event {Median(perEvent):0} B, "
            + $"a connect {Median(perConnect):0} B; an event {Median(wakeUps):0.0} wake-ups, "
            + $"{sends.Max():0.00} sends to a reader";
        TestContext.Current.TestOutputHelper?.WriteLine(measured);
        Assert.True(Median(perDelivery) < 1, measured);
        Assert.True(Median(perEvent) <= MostPerEvent, measured);
        Assert.True(Median(wakeUps) <= MostWakeUps, measured);
        Assert.True(sends.Max() <= MostSends, measured);
        Assert.True(Median(perConnect) <= MostPerConnect, measured);
        // A debugger stops at each, and a metric counts them (dotnet.exceptions).
        Assert.InRange(probes[0].Thrown() - thrown, 0, Streams / 2);

        Usage Used(RawSubscribers? readers = null) =>
            new(probes.Sum(probe => probe.Allocated()), probes.Sum(probe => probe.WokenUp()), readers?.Segments ?? 0);

        // A second while nothing is published.
        async Task<Usage> AtRestAsync()
        {
            var before = Used();
            var clock = Stopwatch.StartNew();
            await Task.Delay(TimeSpan.FromSeconds(1));
            return (Used() - before) * (1 / clock.Elapsed.TotalSeconds);
        }

        async Task<Usage> PublishAsync(RawSubscribers readers, string topic, int page, Usage background)
        {
            var before = Used(readers);
            var clock = Stopwatch.StartNew();

            for (var i = 0; i < Posts; i++)
            {
                var due = readers.Received + (long)page * readers.Count;
                object[] events = [.. Enumerable.Repeat(new EventBody(topic, "n", RawSubscribers.Mark), page)];
                await World.PublishAsync(replica, events);
                await readers.WaitForAsync(due);
            }

            return Used(readers) - before - background * clock.Elapsed.TotalSeconds;
        }
    }

    private readonly record struct Usage(double Bytes, double WakeUps, double Sends)
    {
        public static Usage operator -(Usage last, Usage first) =>
            new(last.Bytes - first.Bytes, last.WakeUps - first.WakeUps, last.Sends - first.Sends);

        public static Usage operator *(Usage one, double times) =>
            new(one.Bytes * times, one.WakeUps * times, one.Sends * times);
    }

    private static async Task<int> StreamsAsync(RunningService replica) =>
        (await SeedRequests.GetAsync(replica.Url, "/v1/replicas"))
            .EnumerateArray()
            .Single()
            .GetProperty("connections")
            .GetInt32();

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
