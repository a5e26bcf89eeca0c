using Benchmarks.Client;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures events for everyone when each subscriber has its own filter (its user's topics and a
/// shared one), beside as many subscribers of one topic. Each variant runs on its own server.</summary>
internal sealed class SharedTopics : Measurement
{
    private const string OneTopic = "one topic",
        OwnFilters = "own filters";
    private const int Streams = 10_000,
        Rate = 4,
        SettledSeconds = 20;

    private static readonly Metric Weight = new("memory after the events", "kB/connection");

    public SharedTopics()
        : base("shared-topics", $"{Rate} events/s to {Streams:N0} subscribers, each also with its own topics") =>
        Goals = new[] { Metrics.FrontCpu, Weight }.ToDictionary(f => f.Name, _ => Goal.AtMost(1.2, OneTopic));

    public override string Subject => OwnFilters;

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        (string, Func<Uri, string, int, Uri>)[] ways =
        [
            (OneTopic, (server, topic, _) => new Uri(server, $"/v1/events/stream?topic={topic}")),
            (OwnFilters, (server, topic, n) => new Uri(server, $"/v1/events/stream?topic=user.{n}.%3E&topic={topic}")),
        ];
        foreach (var (name, subscribe) in run.Round % 2 == 1 ? ways : ways.Reverse())
            await MeasureAsync(run, name, subscribe, cancellationToken);
    }

    private async Task MeasureAsync(
        BenchmarkRun run,
        string name,
        Func<Uri, string, int, Uri> subscribe,
        CancellationToken cancellationToken
    )
    {
        await using var peer = await run.StreamApi.StartAnotherAsync([], cancellationToken);
        await FanOut.WarmUpAsync(run, peer, cancellationToken);
        var (topic, events, empty) = (
            run.NewTopic(),
            (long)(Rate * run.Seconds(20)),
            ProcessStats.MemoryKb(peer.Front)
        );
        Uri[] urls = [.. Enumerable.Range(0, Streams).Select(n => subscribe(peer.Address, topic, n))];
        var (readers, _) = await Clients.OpenAsync(new ReadOrder(urls, Streams, events, 180), cancellationToken);
        await using var _ = readers;
        await Task.Delay(3_000, cancellationToken); // lets the work after connecting finish
        var front = ProcessStats.Cpu(peer.Front);
        await Clients.PublishAsync(new PublishOrder(peer.Publish, topic, 4, Rate, events, 1, 90), cancellationToken);
        var read = await readers.NextAsync<ReadResult>(cancellationToken);
        front = ProcessStats.Cpu(peer.Front) - front;
        await Task.Delay(TimeSpan.FromSeconds(SettledSeconds), cancellationToken);
        if (read.Lost > 0 || read.Wrong > 0)
            run.Wrong.Add($"{Name}, {name}: {read.Lost} lost, {read.Wrong} duplicated or reordered.");
        run.Record(
            this,
            name,
            (Metrics.FrontCpu, front * 1e6 / read.Events),
            (Weight, (ProcessStats.MemoryKb(peer.Front) - empty) / Streams),
            (Metrics.P50, read.P50Ms),
            (Metrics.P99, read.P99Ms)
        );
    }
}
