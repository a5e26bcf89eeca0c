using System.Globalization;
using CsCheck;

namespace Integration.Delivery;

/// <summary>Every reader gets exactly its matching events, once and in the log's order, whatever happens in whatever
/// order. The model is the log, read without our code; the steps are random, and a failure prints them.</summary>
[Trait("Takes", "long")]
public sealed class ModelTests
{
    /// <summary>Sequences in all. More for a longer search: <c>MODEL_RUNS=500 dotnet test …</c>.</summary>
    private static readonly int Runs = int.Parse(
        Environment.GetEnvironmentVariable("MODEL_RUNS") ?? "6",
        CultureInfo.InvariantCulture
    );

    [Fact]
    public async Task Every_reader_sees_exactly_the_matching_events_in_order_whatever_happens_meanwhile()
    {
        // Little memory, so that readers that lag by a few events are fed from the store already.
        Dictionary<string, string> settings = new()
        {
            ["AspireSse__Streaming__RingEvents"] = "32",
            ["AspireSse__Streaming__RecentEvents"] = "64",
            // Soon after its last reader a replica leaves a topic's events out.
            ["AspireSse__Streaming__IdleRingLifetime"] = "00:00:01",
        };
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0).Set(settings));

        for (var i = 0; i < 2; i++)
            await system.StartBroadcasterAsync(asProcess: true);

        var from = system.Channel;
        var to = "unreliable:" + system.Channel;
        await using var channel = await UnreliableChannel.OpenAsync(Stores.Shared.Redis, from, to);

        for (var i = 0; i < 2; i++)
            await system.StartReplicaAsync(new() { ["AspireSse__EventStore__Channel"] = to });

        await system.WaitForModeAsync("live");

        var run = 0;
        // One after the other: a run's faults would break another one's readers.
        foreach (var fault in ModelStepGenerator.Faults)
            await ModelStepGenerator.Sequence.SampleAsync(
                steps => new ModelRun(system, channel, $"m{run++}").PlayAsync([.. fault, .. steps]),
                iter: Math.Max(1, Runs / ModelStepGenerator.Faults.Length),
                threads: 1
            );

        Assert.True(
            channel is { Lost: > 0, Doubled: > 0, Reordered: > 0 },
            $"Nothing was done to the messages: {channel.Lost} lost, {channel.Doubled} doubled, "
                + $"{channel.Reordered} reordered."
        );
    }
}
