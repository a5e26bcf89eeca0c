using System.Diagnostics;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>
/// Bytes that a replica and a Broadcaster allocate, from the inside of their processes. They depend on the code and
/// hardly on the machine, so that a test can hold what a benchmark would only show. The ceilings only get lower.
/// </summary>
[Trait("Takes", "long")]
public sealed class AllocationTests
{
    private const int Readers = 500,
        Streams = 50,
        Posts = 40,
        Rounds = 3;

    /// <summary>Events of a POST whose deliveries are measured. What the processes do in the background, 100 kB a
    /// second each, is subtracted: on a slow machine it would be two bytes of each delivery.</summary>
    private const int Page = 10;

    /// <summary>Bytes of an event from its POST to its one reader, in both processes: 31,200 measured.</summary>
    private const double MostPerEvent = 35_000;

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
        for (var round = 0; round <= Rounds; round++)
        {
            var background = await AtRestAsync();
            var single = await AllocatedAsync(alone, "alone", page: 1, background);
            var toOne = await AllocatedAsync(alone, "alone", Page, background);
            var toAll = await AllocatedAsync(crowd, "crowd", Page, background);

            if (round == 0)
                continue;

            perEvent.Add(single / Posts);
            perDelivery.Add((toAll - toOne) / (Posts * Page * (Readers - 1)));
        }

        var perConnect = new List<double>();
        var thrown = probes[0].Thrown();
        for (var round = 0; round <= Rounds; round++)
        {
            var background = await AtRestAsync();
            var before = Allocated();
            var clock = Stopwatch.StartNew();
            await using (await RawSubscribers.OpenAsync(replica.Url, "/v1/events/stream?topic=alone", Streams)) { }

            await Eventually.HoldsAsync(
                async () => await StreamsAsync(replica) == Readers + 1,
                "the streams have ended"
            );

            if (round > 0)
                perConnect.Add((Allocated() - before - background * clock.Elapsed.TotalSeconds) / Streams);
        }

        var measured =
            $"a delivery {Median(perDelivery):0.00} B, an event {Median(perEvent):0} B, "
            + $"a connect {Median(perConnect):0} B";
        TestContext.Current.TestOutputHelper?.WriteLine(measured);
        Assert.True(Median(perDelivery) < 1, measured);
        Assert.True(Median(perEvent) <= MostPerEvent, measured);
        Assert.True(Median(perConnect) <= MostPerConnect, measured);
        // A debugger stops at each, and a metric counts them (dotnet.exceptions).
        Assert.InRange(probes[0].Thrown() - thrown, 0, Streams / 2);

        long Allocated() => probes.Sum(probe => probe.Allocated());

        // Bytes a second while nothing is published.
        async Task<double> AtRestAsync()
        {
            var before = Allocated();
            var clock = Stopwatch.StartNew();
            await Task.Delay(TimeSpan.FromSeconds(1));
            return (Allocated() - before) / clock.Elapsed.TotalSeconds;
        }

        async Task<double> AllocatedAsync(RawSubscribers readers, string topic, int page, double background)
        {
            var before = Allocated();
            var clock = Stopwatch.StartNew();

            for (var i = 0; i < Posts; i++)
            {
                var due = readers.Received + (long)page * readers.Count;
                object[] events = [.. Enumerable.Repeat(new EventBody(topic, "n", RawSubscribers.Mark), page)];
                await World.PublishAsync(replica, events);
                await readers.WaitForAsync(due);
            }

            return Allocated() - before - background * clock.Elapsed.TotalSeconds;
        }
    }

    private static async Task<int> StreamsAsync(RunningService replica) =>
        (await SeedRequests.GetAsync(replica.Url, "/v1/replicas"))
            .EnumerateArray()
            .Single()
            .GetProperty("connections")
            .GetInt32();

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
