using System.Net.Http.Json;
using System.Text.Json;
using Benchmarks.Client;
using Benchmarks.Servers;
using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>Resumes 5,000 clients at once, each 100 events behind: from the replica's
/// memory, or from the store (ten topics, so ten ranges) with an empty memory.
/// Compared with the same clients connecting with nothing to replay.</summary>
internal sealed class ResumeStorm : Measurement
{
    private const int Readers = 5_000,
        Behind = 100;
    private readonly bool _fromStore;
    private readonly int _topics;

    public ResumeStorm(string name, bool fromStore)
        : base(
            name,
            $"{Readers:N0} clients at once, each {Behind} events behind, "
                + (fromStore ? "on 10 topics, nothing in memory" : "on one topic")
        )
    {
        (_fromStore, _topics) = (fromStore, fromStore ? 10 : 1);
        Goals = new Dictionary<string, Goal>
        {
            [Metrics.Seconds.Name] = Goal.AtMost(5),
            [Metrics.StoreReads.Name] = Goal.AtMost(fromStore ? 2 * _topics : 0),
        };
    }

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await using var forgetful = _fromStore
            ? await run.StreamApi.StartAnotherAsync(new() { ["Streaming__RecentEvents"] = "0" }, cancellationToken)
            : null;
        var replica = forgetful ?? run.StreamApi;
        // Storms hit replicas that have run for a while, so this one is warmed up.
        if (forgetful is not null)
            await FanOut.WarmUpAsync(run, forgetful, cancellationToken);
        var topics = Enumerable.Range(0, _topics).Select(_ => run.NewTopic()).ToArray();
        var ids = new List<string>();
        foreach (var topic in topics)
        {
            ids.Add(await PublishOneAsync(run.StreamApi, topic, cancellationToken));
            await Clients.PublishAsync(
                new PublishOrder(run.StreamApi.Publish, topic, 1, 0, 1, Behind, 20),
                cancellationToken
            );
        }
        await Task.Delay(500, cancellationToken);
        await using var log = await StatementLog.OpenAsync(run.StreamApi.System.Stores, cancellationToken);
        var (resuming, ready) = await Clients.OpenAsync(
            new ReadOrder([.. topics.Select(replica.Subscribe)], Readers, Behind, 60, [.. ids]),
            cancellationToken
        );
        ReadResult result;
        await using (resuming)
            result = await resuming.NextAsync<ReadResult>(cancellationToken);
        if (result.Lost > 0 || result.Wrong > 0)
            run.Wrong.Add($"{Name}: {result.Lost} lost, {result.Wrong} duplicated or reordered.");
        var reads = await log.ReplayReadsAsync(cancellationToken);

        var (fresh, connected) = await Clients.OpenAsync(
            new ReadOrder([replica.Subscribe(run.NewTopic())], Readers, 0, 60),
            cancellationToken
        );
        await fresh.DisposeAsync();
        run.Record(
            this,
            replica.Name,
            (Metrics.Seconds, result.Seconds),
            (Metrics.StoreReads, reads),
            (Metrics.Rate, result.Events / result.Seconds)
        );
        run.Record(this, "fresh connects", (Metrics.Seconds, connected.Seconds));
    }

    /// <summary>Publishes an event that readers do not count, and returns its id.</summary>
    private static async Task<string> PublishOneAsync(
        StreamApiPeer peer,
        string topic,
        CancellationToken cancellationToken
    )
    {
        using var http = new HttpClient();
        using var response = await http.PostAsJsonAsync(
            peer.Publish,
            new
            {
                topic,
                type = "start",
                data = 0,
            },
            cancellationToken
        );
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return answer.GetProperty("events")[0].GetProperty("position").GetString()!;
    }

    /// <summary>Counts the store's reads in Postgres's own statement log.</summary>
    private sealed class StatementLog(NpgsqlDataSource store, string file, long from) : IAsyncDisposable
    {
        public static async Task<StatementLog> OpenAsync(Stores stores, CancellationToken cancellationToken)
        {
            var store = NpgsqlDataSource.Create(stores.EventStore);
            await SetAsync(store, "all", cancellationToken);
            return new StatementLog(store, stores.PostgresLog, new FileInfo(stores.PostgresLog).Length);
        }

        /// <summary>Returns the number of reads by topic; the Broadcaster reads all topics.</summary>
        public async Task<int> ReplayReadsAsync(CancellationToken cancellationToken)
        {
            await Task.Delay(300, cancellationToken);
            using var text = new StreamReader(
                new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
            );
            text.BaseStream.Position = from;
            return (await text.ReadToEndAsync(cancellationToken))
                .Split('\n')
                .Count(l =>
                    l.Contains("from eventstore.events where position >", StringComparison.Ordinal)
                    && l.Contains("topic = any", StringComparison.Ordinal)
                );
        }

        public async ValueTask DisposeAsync()
        {
            await SetAsync(store, "none", CancellationToken.None);
            await store.DisposeAsync();
        }

        private static async Task SetAsync(NpgsqlDataSource store, string value, CancellationToken cancellationToken)
        {
            foreach (var sql in (string[])[$"alter system set log_statement = '{value}'", "select pg_reload_conf()"])
            {
                await using var command = store.CreateCommand(sql);
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            await Task.Delay(300, cancellationToken); // lets every session reload its settings
        }
    }
}
