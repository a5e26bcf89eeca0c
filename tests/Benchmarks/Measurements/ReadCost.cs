using System.Globalization;
using System.Text;
using EventStore;
using Harness;
using Harness.Worlds;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>
/// Measures the CPU of Postgres and the buffers that it visits for a page of a filtered read, by log size and number of
/// patterns (<c>-- reads [--topics N] [events …]</c>). The time is the backend's own, so other load hardly matters;
/// buffers do not depend on caches either.
/// </summary>
internal static class ReadCost
{
    private const int DefaultTopics = 100,
        Pages = 40,
        PageEvents = 50;
    private const double MaxMoreBuffers = 1.1;

    private static readonly (string Name, Func<int, string> Pattern)[] Shapes =
    [
        ("plain", n => $"t.{n}.a"),
        ("`*` in front", n => $"*.{n}.a"),
        ("`>`", n => $"t.{n}.>"),
        ("matches nothing", n => $"*.{n}.none"),
    ];

    private static readonly long[] DefaultSizes = [10_000, 1_000_000, 10_000_000];

    public static async Task RunAsync(IReadOnlyList<string> args, CancellationToken cancellationToken)
    {
        var (topics, sizes) = (DefaultTopics, new List<long>());
        for (var i = 0; i < args.Count; i++)
            if (args[i] == "--topics" && i + 1 < args.Count)
                topics = (int)Number(args[++i]);
            else
                sizes.Add(Number(args[i]));
        await RunAsync(topics, sizes.Count == 0 ? DefaultSizes : sizes, cancellationToken);
        await HttpReadCost.RunAsync(cancellationToken);

        static long Number(string text) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? number
                : throw new BenchmarkException($"'{text}' is no number. --help shows the arguments.");
    }

    private static async Task RunAsync(int topics, IReadOnlyList<long> sizes, CancellationToken cancellationToken)
    {
        await using var stores = new StorePair(durable: false);
        await stores.StartAsync(cancellationToken);
        var connection = stores.Postgres.ConnectionString;

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["ConnectionStrings:eventstore"] = connection }
        );
        builder.Services.AddMetrics();
        builder.AddEventStore();
        using var host = builder.Build();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);

        var costs = new Dictionary<(string Shape, int Patterns), List<PageCost>>();
        int[] all = [.. Enumerable.Range(0, topics)];
        foreach (var size in sizes)
        {
            await FilledLog.FillAsync(connection, size, topics, cancellationToken);
            Console.Error.WriteLine("listing the topics");
            while (await host.Services.GetRequiredService<TopicDirectory>().ListAsync(cancellationToken) > 0) { }
            await FilledLog.SettleAsync(connection, cancellationToken);
            await using var store = OneConnection(host);
            var reader = new EventReader(store, host.Services.GetRequiredService<IOptions<EventStoreOptions>>());
            foreach (var (name, pattern) in Shapes)
            foreach (var patterns in (int[])[1, 10, 100])
            {
                var cost = await PagesAsync(
                    store,
                    connection,
                    reader,
                    size,
                    () => [.. Random.Shared.GetItems(all, patterns).Select(pattern)],
                    cancellationToken
                );
                if (!costs.TryGetValue((name, patterns), out var row))
                    costs[(name, patterns)] = row = [];
                row.Add(cost);
            }
        }
        Console.Write(Table(topics, sizes, costs));
    }

    private static string Table(
        int topics,
        IReadOnlyList<long> sizes,
        Dictionary<(string Shape, int Patterns), List<PageCost>> costs
    )
    {
        var table = new StringBuilder(
            $"CPU of Postgres for a page of {PageEvents} events from a random position of a log with {topics} topics, "
                + $"ms: median (maximum) of {Pages} pages; buffers a page\n\n"
        );
        table.AppendLine(
            $"| patterns |{string.Concat(sizes.Select(s => FormattableString.Invariant($" {s:#,0} events |")))}"
        );
        table.AppendLine($"|---|{string.Concat(sizes.Select(_ => "---|"))}");
        foreach (var ((shape, patterns), row) in costs)
            table.AppendLine(CultureInfo.InvariantCulture, $"| {patterns} {shape} | {string.Join(" | ", row)} |");
        if (sizes.Count > 1)
        {
            var more = costs.Values.Max(row => row[^1].Buffers / row[0].Buffers);
            table.AppendLine(
                CultureInfo.InvariantCulture,
                $"\nbuffers, last log against first: at most {more:F2} ×; goal {MaxMoreBuffers} ×"
                    + $"{(more > MaxMoreBuffers ? ", missed" : "")}"
            );
        }
        return table.ToString();
    }

    private static async Task<PageCost> PagesAsync(
        NpgsqlDataSource store,
        string observer,
        EventReader reader,
        long size,
        Func<string[]> filter,
        CancellationToken cancellationToken
    )
    {
        await using var ask = store.CreateCommand("select pg_backend_pid()");
        var backend = (int)(await ask.ExecuteScalarAsync(cancellationToken))!;
        var (costs, visited) = (new List<double>(), 0L);
        for (var i = -5; i < Pages; i++) // the first five warm up
        {
            if (i == 0)
                visited = await BuffersAsync(store, observer, cancellationToken);
            var before = Nanoseconds(backend);
            await reader.ReadAsync(
                Random.Shared.NextInt64(size / 4),
                new EventFilter(filter(), [], []),
                PageEvents,
                cancellationToken: cancellationToken
            );
            if (i >= 0)
                costs.Add((Nanoseconds(backend) - before) / 1e6);
        }
        visited = await BuffersAsync(store, observer, cancellationToken) - visited;
        costs.Sort();
        return new PageCost(costs[costs.Count / 2], costs[^1], (double)visited / Pages);
    }

    /// <summary>Returns the processor time of a process, by the scheduler.</summary>
    public static long Nanoseconds(int process) =>
        long.Parse(File.ReadAllText($"/proc/{process}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>Returns the buffers of the log's tables and indexes that were visited so far, cached or
    /// not.</summary>
    private static async Task<long> BuffersAsync(
        NpgsqlDataSource store,
        string observer,
        CancellationToken cancellationToken
    )
    {
        // A session reports its counts at the end of a statement, otherwise up to ten seconds later.
        await using var flush = store.CreateCommand("select pg_stat_force_next_flush()");
        await flush.ExecuteNonQueryAsync(cancellationToken);
        await using var other = NpgsqlDataSource.Create(observer);
        await using var count = other.CreateCommand(
            """
            select sum(heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit + idx_blks_read, 0)
                + coalesce(toast_blks_hit + toast_blks_read + tidx_blks_hit + tidx_blks_read, 0))::bigint
            from pg_statio_user_tables where schemaname = 'eventstore'
            """
        );
        return (long)(await count.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Opens the settings of reads on a single connection, whose backend is measured.</summary>
    private static NpgsqlDataSource OneConnection(IHost host)
    {
        var pooled = new NpgsqlConnectionStringBuilder(
            host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Reads).ConnectionString
        );
        var text = new NpgsqlConnectionStringBuilder(
            host.Services.GetRequiredService<IConfiguration>().GetConnectionString("eventstore")
        )
        {
            MaxPoolSize = 1,
            Options = pooled.Options,
            MaxAutoPrepare = pooled.MaxAutoPrepare,
            AutoPrepareMinUsages = pooled.AutoPrepareMinUsages,
            NoResetOnClose = true,
        };
        return NpgsqlDataSource.Create(text.ConnectionString);
    }

    /// <summary>The cost of a page.</summary>
    private sealed record PageCost(double Median, double Most, double Buffers)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Median:F2} ({Most:F1}); {Buffers:F0}");
    }
}
