using System.Diagnostics;
using Benchmarks.Client;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>Measures how many events a second the API makes durable,
/// and how many the same Postgres commits on its own.</summary>
internal sealed class Append : Measurement
{
    private const string Bare = "bare Postgres";
    private readonly int _writers,
        _batch;

    public Append(string name, int writers, int batch, double? atLeast)
        : base(
            name,
            batch == 1 ? $"{writers} writers, one event a request" : $"{writers} writers, {batch} events a request"
        )
    {
        (_writers, _batch) = (writers, batch);
        if (atLeast is { } least)
            Goals = new Dictionary<string, Goal> { [Metrics.Appended.Name] = Goal.AtLeast(least) };
    }

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        // The first run is not measured, because its code is compiled meanwhile.
        if (run.Round == 1)
            await PublishAsync(run, 1, cancellationToken);
        var published = await PublishAsync(run, run.Seconds(4), cancellationToken);
        var relaying = Stopwatch.StartNew();
        await run.StreamApi.WaitUntilCaughtUpAsync(cancellationToken);
        run.Record(
            this,
            run.StreamApi.Name,
            (Metrics.RelayedAfter, relaying.Elapsed.TotalSeconds),
            (Metrics.Appended, published.Accepted * _batch / published.Seconds),
            (Metrics.AppendP50, published.P50Ms),
            (Metrics.AppendP99, published.P99Ms)
        );
        run.Record(this, Bare, (Metrics.Appended, await InsertAsync(run, run.Seconds(3), cancellationToken)));
    }

    private Task<PublishResult> PublishAsync(BenchmarkRun run, double seconds, CancellationToken cancellationToken) =>
        Clients.PublishAsync(
            new PublishOrder(run.StreamApi.Publish, run.NewTopic(), _writers, 0, long.MaxValue, _batch, seconds),
            cancellationToken
        );

    /// <summary>Inserts and commits from each writer, one request's number of events at a time.</summary>
    private async Task<double> InsertAsync(BenchmarkRun run, double seconds, CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(run.StreamApi.System.Stores.EventStore)
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
