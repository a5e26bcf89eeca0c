using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Measuring;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>Rows that a system's Postgres commits on its own, without any service.</summary>
internal sealed record BareCommits(double PerSecond, double P50Ms)
{
    /// <summary>Inserts and commits from each writer, one request's number of events at a time.</summary>
    public static async Task<BareCommits> RunAsync(
        StreamApiSystem system,
        int writers,
        int batch,
        double seconds,
        CancellationToken cancellationToken
    )
    {
        await using var store = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(system.Stores.Postgres.ConnectionString)
            {
                MaxPoolSize = writers,
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

        var data = Enumerable.Repeat(System.Text.Encoding.UTF8.GetBytes(Wire.Event(1, Wire.Now())), batch).ToArray();
        var latency = new LatencyHistogram();
        long rows = 0;

        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, writers).Select(_ => Task.Run(WriteAsync, cancellationToken)));
        return new(rows / clock.Elapsed.TotalSeconds, latency.Snapshot().Percentile(50));

        async Task WriteAsync()
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
            {
                var start = Stopwatch.GetTimestamp();
                Interlocked.Add(ref rows, await insert.ExecuteNonQueryAsync(cancellationToken));
                latency.Record(Stopwatch.GetElapsedTime(start));
            }
        }
    }
}
