using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures events that come alone, published at one replica and read at another: their time, and the work of
/// both replicas, Broadcaster, Redis and Postgres beyond that at rest.</summary>
internal sealed class SingleEvents : Measurement
{
    private static readonly Metric P50 = new("publish → receive p50", "ms", Judgement.Cost);
    private static readonly Metric P99 = new("publish → receive p99", "ms");
    private static readonly Metric Lag = new("answer → receive p50", "ms", Judgement.Cost);
    private static readonly Metric BareP50 = new("bare commit p50", "ms");
    private static readonly Metric Cpu = new("CPU of all processes", "µs/event", Judgement.Cost);
    private static readonly Metric[] CpuOf = [.. Used.Parts.Select(part => new Metric($"… {part}", "µs/event"))];
    private static readonly Metric Rest = new("CPU of all processes at rest", "cores");

    private readonly int _rate;
    private readonly Dictionary<StreamApiPeer, StreamApiPeer> _readAt = [];

    /// <param name="name">The name.</param>
    /// <param name="rate">Events a second over 32 connections. 0: each when the one before is received.</param>
    public SingleEvents(string name, int rate)
        : base(name, $"{(rate > 0 ? $"{rate:N0} events/s" : "one event at a time")} to a reader at another replica") =>
        _rate = rate;

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            async peer =>
            {
                if (peer is StreamApiPeer streamApi)
                    await MeasureAsync(run, streamApi, cancellationToken);
            },
            cancellationToken
        );

    public override async ValueTask EndAsync()
    {
        foreach (var replica in _readAt.Values)
            await replica.DisposeAsync();
        _readAt.Clear();
    }

    private async Task MeasureAsync(BenchmarkRun run, StreamApiPeer publishAt, CancellationToken cancellationToken)
    {
        if (!_readAt.TryGetValue(publishAt, out var readAt))
        {
            _readAt[publishAt] = readAt = await publishAt.StartAnotherAsync([], cancellationToken);
            await FanOut.WarmUpAsync(run, readAt, cancellationToken);
            await FanOut.WarmUpAsync(readAt, () => DeliverAsync(run, publishAt, readAt, cancellationToken));
        }

        var start = Used.By(publishAt, readAt);
        await Task.Delay(TimeSpan.FromSeconds(run.Seconds(5)), cancellationToken);
        var rest = Used.By(publishAt, readAt) - start;

        var single = await DeliverAsync(run, publishAt, readAt, cancellationToken);
        if (!run.IsWhole(this, publishAt, single.Lost, single.Wrong))
            return;

        var work = single.Used.Beyond(rest);
        run.Record(
            this,
            publishAt.Name,
            [
                (P50, single.P50Ms),
                (P99, single.P99Ms),
                .. single.LagP50Ms is { } lag ? [(Lag, lag)] : ReadOnlySpan<(Metric, double)>.Empty,
                (Cpu, work.Cpu.Sum() * 1e6 / single.Events),
                .. CpuOf.Zip(work.Cpu, (metric, cpu) => (metric, cpu * 1e6 / single.Events)),
                (MetricCatalog.AppendAllocated, work.Allocated / single.Events),
                (Rest, rest.Cpu.Sum() / rest.Seconds),
                (BareP50, (await BareCommits.RunAsync(publishAt.System, 1, 1, 1, cancellationToken)).P50Ms),
            ]
        );
    }

    private Task<Delivered> DeliverAsync(
        BenchmarkRun run,
        StreamApiPeer publishAt,
        StreamApiPeer readAt,
        CancellationToken cancellationToken
    ) =>
        _rate > 0
            ? AtRateAsync(run, publishAt, readAt, cancellationToken)
            : OneByOneAsync(run, publishAt, readAt, cancellationToken);

    private static async Task<Delivered> OneByOneAsync(
        BenchmarkRun run,
        StreamApiPeer publishAt,
        StreamApiPeer readAt,
        CancellationToken cancellationToken
    )
    {
        var topic = run.NewTopic();
        var count = run.Options.Quick ? 300 : 1_500;

        await using var client = await ClientProcess.StartAsync(
            "one-by-one",
            new OneByOneOrder(publishAt.Publish, readAt.Subscribe(topic), topic, count, LimitSeconds: 60)
        );
        if (await client.NextAsync<ReadersReady>(cancellationToken) is { Refused: > 0 })
            throw new BenchmarkException($"{readAt.Address} refused the stream.");

        var start = Used.By(publishAt, readAt);
        var result = await client.NextAsync<OneByOneResult>(cancellationToken);
        if (result.Status is < 200 or >= 300)
            throw new BenchmarkException($"{publishAt.Publish} answered {result.Status}.");

        return new(
            count,
            result.Lost,
            result.Wrong,
            result.P50Ms,
            result.P99Ms,
            result.LagP50Ms,
            Used.By(publishAt, readAt) - start
        );
    }

    private async Task<Delivered> AtRateAsync(
        BenchmarkRun run,
        StreamApiPeer publishAt,
        StreamApiPeer readAt,
        CancellationToken cancellationToken
    )
    {
        var topic = run.NewTopic();
        var seconds = run.Seconds(6);
        var count = (long)(_rate * seconds);

        var (readers, _) = await Clients.OpenAsync(
            new ReadOrder([readAt.Subscribe(topic)], 1, count, seconds + 30),
            cancellationToken
        );
        await using var _ = readers;

        var start = Used.By(publishAt, readAt);
        await Clients.PublishAsync(
            new PublishOrder(publishAt.Publish, topic, 32, _rate, count, 1, seconds + 20),
            cancellationToken
        );
        var read = await readers.NextAsync<ReadResult>(cancellationToken);
        // Work that no reader waits for ends.
        await Task.Delay(1_000, cancellationToken);

        var used = Used.By(publishAt, readAt) - start;
        return new(count, read.Lost, read.Wrong, read.P50Ms, read.P99Ms, null, used);
    }

    private sealed record Delivered(
        long Events,
        long Lost,
        long Wrong,
        double P50Ms,
        double P99Ms,
        double? LagP50Ms,
        Used Used
    );

    /// <summary>Use of a whole system so far: processor seconds of its parts, and bytes allocated by its .NET
    /// programs.</summary>
    private readonly record struct Used(double[] Cpu, double Allocated, double Seconds)
    {
        public static readonly string[] Parts =
        [
            "publishing replica",
            "reading replica",
            "Broadcaster",
            "Redis",
            "Postgres",
        ];

        public static Used By(StreamApiPeer publishAt, StreamApiPeer readAt)
        {
            var system = publishAt.System;
            IReadOnlyList<int>[] processes =
            [
                publishAt.Front,
                readAt.Front,
                system.Broadcasters,
                system.Stores.Redis.Process.Processes,
                system.Stores.Postgres.Process.Processes,
            ];

            return new(
                [.. processes.Select(ProcessStats.Cpu)],
                publishAt.Allocated() + readAt.Probe.Allocated(),
                Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency
            );
        }

        public static Used operator -(Used first, Used second) =>
            new(
                [.. first.Cpu.Zip(second.Cpu, (one, other) => one - other)],
                first.Allocated - second.Allocated,
                first.Seconds - second.Seconds
            );

        /// <summary>Returns what is left without the use of an equally long time at rest.</summary>
        public Used Beyond(Used rest)
        {
            var share = Seconds / rest.Seconds;
            return new(
                [.. Cpu.Zip(rest.Cpu, (used, atRest) => used - (atRest * share))],
                Allocated - (rest.Allocated * share),
                Seconds
            );
        }
    }
}
