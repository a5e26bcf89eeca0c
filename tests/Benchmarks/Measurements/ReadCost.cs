using System.Globalization;
using System.Text;
using Benchmarks.Servers;
using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>
/// Measures the CPU of Postgres for a page of a filtered read, by log size and number of patterns (<c>-- reads
/// [events …]</c>). The time is the backend's own (<c>/proc/&lt;pid&gt;/schedstat</c>), so other load hardly matters.
/// </summary>
internal static class ReadCost
{
    private const int Topics = 100,
        Pages = 40,
        PageEvents = 50;

    private static readonly int[] AllTopics = [.. Enumerable.Range(0, Topics)];
    private static readonly (string Name, Func<int, string> Pattern)[] Shapes =
    [
        ("plain", n => $"t.{n}.a"),
        ("`*` in front", n => $"*.{n}.a"),
        ("`>`", n => $"t.{n}.>"),
        ("matches nothing", n => $"*.{n}.none"),
    ];

    private static readonly long[] DefaultSizes = [10_000, 1_000_000, 10_000_000];

    public static Task RunAsync(string[] sizes, CancellationToken cancellationToken) =>
        RunAsync(
            sizes.Length == 0 ? DefaultSizes : [.. sizes.Select(s => long.Parse(s, CultureInfo.InvariantCulture))],
            cancellationToken
        );

    private static async Task RunAsync(IReadOnlyList<long> sizes, CancellationToken cancellationToken)
    {
        await using var stores = await Stores.StartAsync(durable: false, cancellationToken);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?> { ["ConnectionStrings:eventstore"] = stores.EventStore }
        );
        builder.Services.AddMetrics();
        builder.AddEventStore();
        using var host = builder.Build();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);

        var costs = new Dictionary<(string Shape, int Patterns), List<string>>();
        foreach (var size in sizes)
        {
            await FillAsync(host, stores.EventStore, size, cancellationToken);
            await using var store = OneConnection(host);
            var reader = new EventReader(store, host.Services.GetRequiredService<IOptions<EventStoreOptions>>());
            foreach (var (name, pattern) in Shapes)
            foreach (var patterns in (int[])[1, 10, 100])
            {
                var (median, most) = await PagesAsync(
                    store,
                    reader,
                    size,
                    () => [.. Random.Shared.GetItems(AllTopics, patterns).Select(pattern)],
                    cancellationToken
                );
                if (!costs.TryGetValue((name, patterns), out var row))
                    costs[(name, patterns)] = row = [];
                row.Add(string.Create(CultureInfo.InvariantCulture, $"{median:F2} ({most:F1})"));
            }
        }
        var table = new StringBuilder(
            $"CPU of Postgres for a page of {PageEvents} events from a random position, ms: "
                + $"median (maximum) of {Pages} pages\n\n"
        );
        table.AppendLine(
            $"| patterns |{string.Concat(sizes.Select(s => FormattableString.Invariant($" {s:#,0} events |")))}"
        );
        table.AppendLine($"|---|{string.Concat(sizes.Select(_ => "---|"))}");
        foreach (var ((shape, patterns), row) in costs)
            table.AppendLine(CultureInfo.InvariantCulture, $"| {patterns} {shape} | {string.Join(" | ", row)} |");
        Console.Write(table);
    }

    private static async Task<(double Median, double Most)> PagesAsync(
        NpgsqlDataSource store,
        EventReader reader,
        long size,
        Func<string[]> filter,
        CancellationToken cancellationToken
    )
    {
        await using var ask = store.CreateCommand("select pg_backend_pid()");
        var backend = (int)(await ask.ExecuteScalarAsync(cancellationToken))!;
        var costs = new List<double>();
        for (var i = -5; i < Pages; i++) // the first five warm up
        {
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
        costs.Sort();
        return (costs[costs.Count / 2], costs[^1]);
    }

    private static long Nanoseconds(int process) =>
        long.Parse(File.ReadAllText($"/proc/{process}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);

    private static async Task FillAsync(
        IHost host,
        string connectionString,
        long size,
        CancellationToken cancellationToken
    )
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        const int chunk = 500_000;
        await using var head = store.CreateCommand("select eventstore.head()");
        for (var filled = (long)(await head.ExecuteScalarAsync(cancellationToken))!; filled < size; filled += chunk)
        {
            Console.Error.WriteLine($"filling: {filled} of {size} events");
            await using var fill = store.CreateCommand(
                $$"""
                select eventstore.ensure_partition(p * 1000000) from generate_series(0, {{size / 1_000_000}}) p;
                insert into eventstore.events (position, id, topic, type, key, data, time)
                select nextval('eventstore.position'), gen_random_uuid(),
                       't.' || (n::bigint * 7919) % {{Topics}} || '.a', 'n', null,
                       '{"n":' || n || ',"text":"' || repeat('x', 80) || '"}', now()
                from generate_series({{filled}} + 1, least({{filled}} + {{chunk}}, {{size}})) n
                """
            );
            fill.CommandTimeout = 0;
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }
        Console.Error.WriteLine("listing the topics");
        while (await host.Services.GetRequiredService<TopicDirectory>().ListAsync(cancellationToken) > 0) { }
        await using var settle = store.CreateCommand("vacuum analyze eventstore.events, eventstore.topics");
        settle.CommandTimeout = 0;
        await settle.ExecuteNonQueryAsync(cancellationToken);
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
}
