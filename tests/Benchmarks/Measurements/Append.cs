using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;
using Npgsql;

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
            run.Record(this, Bare, (MetricCatalog.Appended, await InsertAsync(run, run.Seconds(3), cancellationToken)));
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

    /// <summary>Inserts and commits from each writer, one request's number of events at a time.</summary>
    private async Task<double> InsertAsync(BenchmarkRun run, double seconds, CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(run.StreamApi.System.Stores.Postgres.ConnectionString)
            {
                MaxPoolSize = _writers,
                MaxAutoPrepare = 5,
                AutoPrepareMinUsages = 2,
            }
        );
        await using (
            var create = store.CreateCommand(
                """
                create table if not exists benchmark_rows (
                    id bigint generated always as identity primary key,
                    topic text,
                    data bytea,
                    time timestamptz default clock_timestamp()
                )
                """
            )
        )
            await create.ExecuteNonQueryAsync(cancellationToken);

        var data = Enumerable.Repeat(System.Text.Encoding.UTF8.GetBytes(Wire.Event(1, Wire.Now())), _batch).ToArray();
        long rows = 0;

        var clock = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, _writers)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            await using var connection = await store.OpenConnectionAsync(cancellationToken);
                            await using var insert = new NpgsqlCommand(
                                "insert into benchmark_rows (topic, data) select $1, d from unnest($2) d",
                                connection
                            )
                            {
                                Parameters =
                                {
                                    new NpgsqlParameter<string> { TypedValue = "benchmark" },
                                    new NpgsqlParameter<byte[][]> { TypedValue = data },
                                },
                            };

                            while (clock.Elapsed.TotalSeconds < seconds)
                                Interlocked.Add(ref rows, await insert.ExecuteNonQueryAsync(cancellationToken));
                        },
                        cancellationToken
                    )
                )
        );

        return rows / clock.Elapsed.TotalSeconds;
    }
}
