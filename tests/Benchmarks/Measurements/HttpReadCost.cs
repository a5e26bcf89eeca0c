using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Benchmarks.Servers;
using Harness;
using Harness.Worlds;
using Measuring;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>
/// Measures the CPU of Postgres for a page of <c>GET /v1/events</c> that finds nothing: its filter matches more topics
/// than are looked up one by one, and a type that no event has, so that each of its searches scans the log.
/// </summary>
internal static class HttpReadCost
{
    private const int Topics = 5_000,
        Events = 100_000,
        Pages = 40;
    private const double MaxMilliseconds = 20;

    // A session's title has its client: "postgres: postgres eventstore 127.0.0.1(51234) idle".
    private const string Client = "127.0.0.1(";

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var peer = await StreamApiPeer.StartAsync(durable: false, cancellationToken);
        var stores = peer.System.Stores;
        var connection = stores.Postgres.ConnectionString;
        await FilledLog.FillAsync(connection, Events, Topics, cancellationToken);
        await WaitUntilListedAsync(connection, cancellationToken);
        await peer.WaitUntilCaughtUpAsync(cancellationToken);
        await FilledLog.SettleAsync(connection, cancellationToken);

        using var http = new HttpClient();
        var costs = new List<double>();
        for (var i = -5; i < Pages; i++) // the first five warm up
        {
            var after = $"{await EpochAsync(connection, cancellationToken)}-{Random.Shared.Next(Events / 2)}";
            var before = Sessions(stores);
            var page = await http.GetFromJsonAsync<JsonElement>(
                new Uri(peer.Address, $"/v1/events?topic=t.%3E&type=none&after={after}"),
                cancellationToken
            );
            if (page.GetProperty("events").GetArrayLength() != 0)
                throw new BenchmarkException("A page that must be empty has events.");
            if (i >= 0)
                costs.Add(Sessions(stores).Sum(s => s.Value - before.GetValueOrDefault(s.Key)) / 1e6);
        }
        costs.Sort();
        var median = costs[costs.Count / 2];
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"\nCPU of Postgres for a page of GET /v1/events that finds nothing in {Topics:#,0} topics, ms: "
                    + $"{median:F1} ({costs[^1]:F1}), median (maximum) of {Pages} pages; goal {MaxMilliseconds}"
                    + $"{(median > MaxMilliseconds ? ", missed" : "")}"
            )
        );
    }

    /// <summary>Nanoseconds of each session. A feed that looks for events meanwhile adds less than a
    /// millisecond.</summary>
    private static Dictionary<int, long> Sessions(StorePair stores) =>
        stores
            .Processes.SelectMany(ProcessTable.WithDescendants)
            .Distinct()
            .Where(pid => ProcessTable.Arguments(pid)[0].Contains(Client, StringComparison.Ordinal))
            .ToDictionary(pid => pid, ReadCost.Nanoseconds);

    private static async Task<string> EpochAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        await using var epoch = store.CreateCommand("select eventstore.epoch()");
        return (string)(await epoch.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task WaitUntilListedAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        await using var listed = store.CreateCommand(
            "select eventstore.head() = (select through from eventstore.topic_directory)"
        );
        while (!(bool)(await listed.ExecuteScalarAsync(cancellationToken))!)
            await Task.Delay(100, cancellationToken);
    }
}
