using System.Diagnostics;
using System.Security.Cryptography;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Holds 100,000 idle streams, each of a caller with an API key, on seven replicas. One of them is killed,
/// events are published, and the clients of the killed one resume at the others.</summary>
internal sealed class Multitude : Measurement
{
    private const int Streams = 100_000,
        Topics = 100;

    /// <summary>Six must hold all: on the machine of the results a process may have 20,000 descriptors.</summary>
    private const int Replicas = 7;

    private const double LimitSeconds = 300,
        IdleSeconds = 30;

    private static readonly string Key = Convert.ToHexString(RandomNumberGenerator.GetBytes(20));

    private static readonly Dictionary<string, string> Settings = new(ApiKeySettings.Operator(Key))
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        // One machine stands for a hundred thousand clients.
        ["AspireSse__Streaming__MaxConnectionsPerClient"] = "0",
        ["Limits__NewStreamsPerMinute"] = "1000000",
        ["Limits__ConnectionsPerSecond"] = "1000000",
        ["Limits__ConnectionsPerAddress"] = "1000000",
        ["Limits__PublishesPerSecond"] = "1000000",
    };

    public Multitude()
        : base("multitude", $"{Streams:N0} idle streams on {Replicas} replicas, one of which is killed") =>
        Goals = new Dictionary<string, Goal> { [MetricCatalog.Seconds.Name] = Goal.AtMost(10) };

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        await using var system = await StreamApiSystem.StartAsync(
            run.StreamApi.System.Build,
            durable: !run.Options.NoFsync,
            cancellationToken,
            Settings,
            Key
        );
        var replicas = new List<StreamApiPeer>();
        var readers = new List<ClientProcess>();
        try
        {
            for (var i = 0; i < Replicas; i++)
                replicas.Add(
                    await StreamApiPeer.StartAsync(system, new Dictionary<string, string>(), cancellationToken)
                );
            await MeasureAsync(run, replicas, readers, cancellationToken);
        }
        finally
        {
            foreach (var reader in readers)
                await reader.DisposeAsync();
            foreach (var replica in replicas)
                await replica.DisposeAsync();
        }
    }

    private async Task MeasureAsync(
        BenchmarkRun run,
        List<StreamApiPeer> replicas,
        List<ClientProcess> readers,
        CancellationToken cancellationToken
    )
    {
        string[] topics = [.. Enumerable.Range(0, Topics).Select(_ => run.NewTopic())];
        var ids = await PublishAsync(replicas[0], topics, 0, cancellationToken);
        var memory = Memory();
        var cpu = Cpu();
        var began = Stopwatch.GetTimestamp();

        for (var i = 0; i < Replicas; i++)
            readers.Add(await OpenAsync([replicas[i]], ShareOf(i), []));
        run.Record(
            this,
            Subject,
            (MetricCatalog.Connects, Streams / Stopwatch.GetElapsedTime(began).TotalSeconds),
            (MetricCatalog.ConnectFrontCpu, (Cpu() - cpu) * 1e6 / Streams)
        );

        cpu = Cpu();
        await Task.Delay(TimeSpan.FromSeconds(IdleSeconds), cancellationToken);
        run.Record(
            this,
            Subject,
            (MetricCatalog.HeldMemory, (Memory() - memory) / Streams),
            (MetricCatalog.IdleCpu, (Cpu() - cpu) / IdleSeconds)
        );

        began = Stopwatch.GetTimestamp();
        Signals.Send(replicas[^1].Front[0], Signals.Kill);
        readers[^1].End();
        await PublishAsync(replicas[0], topics, 1, cancellationToken);
        readers.Add(await OpenAsync(replicas[..^1], ShareOf(Replicas - 1), ids));
        var returned = await readers[^1].NextAsync<ReadResult>(cancellationToken);
        run.Record(this, Subject, (MetricCatalog.Seconds, Stopwatch.GetElapsedTime(began).TotalSeconds));

        run.IsWhole(this, replicas[0], returned);
        foreach (var reader in readers[..(Replicas - 1)])
            run.IsWhole(this, replicas[0], await reader.NextAsync<ReadResult>(cancellationToken));

        double Cpu() => ProcessStats.Cpu(replicas.SelectMany(replica => replica.Front));

        double Memory() => replicas.Sum(replica => ProcessStats.MemoryKb(replica.Front));

        async Task<ClientProcess> OpenAsync(IReadOnlyList<StreamApiPeer> at, int streams, string[] after)
        {
            // Each topic at each replica, and its id as often.
            Uri[] urls = [.. topics.SelectMany(topic => at.Select(replica => replica.Subscribe(topic)))];
            string[]? resumed = after is [] ? null : [.. after.SelectMany(id => at.Select(_ => id))];
            var order = new ReadOrder(urls, streams, Expect: 1, LimitSeconds, resumed, Key);
            return (await Clients.OpenAsync(order, cancellationToken)).Process;
        }
    }

    private static int ShareOf(int replica) => Streams * (replica + 1) / Replicas - Streams * replica / Replicas;

    /// <summary>Publishes one event to each topic, and returns their ids.</summary>
    /// <param name="at">The replica that takes them.</param>
    /// <param name="topics">The topics.</param>
    /// <param name="number">The events' number. Readers do not count 0.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    private static async Task<string[]> PublishAsync(
        StreamApiPeer at,
        string[] topics,
        int number,
        CancellationToken cancellationToken
    )
    {
        using var http = new HttpClient { DefaultRequestHeaders = { { "X-Api-Key", Key } } };
        var ids = new List<string>();
        foreach (var topic in topics)
        {
            object data = number == 0 ? 0 : new { n = number, t = Wire.Now() };
            ids.Add(await at.PublishOneAsync(http, topic, data, cancellationToken));
        }

        return [.. ids];
    }
}
