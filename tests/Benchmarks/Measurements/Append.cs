using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures how many events a second the API makes durable,
/// and how many the same Postgres commits on its own.</summary>
internal sealed class Append : Measurement
{
    private const string Bare = "bare Postgres";
    private readonly int _writers;
    private readonly int _batch;

    public Append(string name, int writers, int batch, double? atLeast)
        : base(
            name,
            batch == 1 ? $"{writers} writers, one event a request" : $"{writers} writers, {batch} events a request"
        )
    {
        _writers = writers;
        _batch = batch;
        if (atLeast is { } least)
            Goals = new Dictionary<string, Goal> { [MetricCatalog.Appended.Name] = Goal.AtLeast(least) };
    }

    public override bool ComparesBuilds => true;

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await run.InTurnAsync(
            this,
            async peer =>
            {
                if (peer is StreamApiPeer streamApi)
                    await MeasureAsync(run, streamApi, cancellationToken);
            },
            cancellationToken
        );

        if (!run.Options.Alone)
        {
            var bare = await BareCommits.RunAsync(
                run.StreamApi.System,
                _writers,
                _batch,
                run.Seconds(3),
                cancellationToken
            );
            run.Record(this, Bare, (MetricCatalog.Appended, bare.PerSecond));
        }
    }

    private async Task MeasureAsync(BenchmarkRun run, StreamApiPeer peer, CancellationToken cancellationToken)
    {
        // Not measured, because its code is compiled meanwhile.
        if (run.Round == 1)
            await FanOut.WarmUpAsync(
                peer,
                async () =>
                {
                    await PublishAsync(run, peer, 2, cancellationToken);
                    await peer.WaitUntilCaughtUpAsync(cancellationToken);
                }
            );

        var allocated = peer.Allocated();
        var cpu = ProcessStats.Cpu(peer.Processes);
        var published = await PublishAsync(run, peer, run.Seconds(4), cancellationToken);

        // The relay's work is a part of the cost.
        var relaying = Stopwatch.StartNew();
        await peer.WaitUntilCaughtUpAsync(cancellationToken);
        var events = (double)published.Accepted * _batch;

        run.Record(
            this,
            peer.Name,
            (MetricCatalog.RelayedAfter, relaying.Elapsed.TotalSeconds),
            (MetricCatalog.Appended, events / published.Seconds),
            (MetricCatalog.AppendCpu, (ProcessStats.Cpu(peer.Processes) - cpu) * 1e6 / events),
            (MetricCatalog.AppendAllocated, (peer.Allocated() - allocated) / events),
            (MetricCatalog.AppendP50, published.P50Ms),
            (MetricCatalog.AppendP99, published.P99Ms)
        );
    }

    private Task<PublishResult> PublishAsync(
        BenchmarkRun run,
        StreamApiPeer peer,
        double seconds,
        CancellationToken cancellationToken
    ) =>
        Clients.PublishAsync(
            new PublishOrder(peer.Publish, run.NewTopic(), _writers, 0, long.MaxValue, _batch, seconds),
            cancellationToken
        );
}
