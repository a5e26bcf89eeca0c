using System.Diagnostics;
using Benchmarks.Client;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>Measures a number of subscribers of one topic that all receive events of 120 bytes: at a rate, or as fast
/// as they are accepted, which shows how a server that is behind coalesces writes.</summary>
internal sealed class FanOut : Measurement
{
    private const int BurstEvents = 300;

    private readonly int _subscribers;
    private readonly int _rate;

    public FanOut(string name, int subscribers, int rate, Goal cpu)
        : base(
            name,
            $"{(rate > 0 ? $"{rate} events/s" : $"{BurstEvents} events at once")} to {subscribers:N0} subscribers"
        )
    {
        _subscribers = subscribers;
        _rate = rate;
        var goals = new Dictionary<string, Goal> { [MetricCatalog.Cpu.Name] = cpu };
        if (rate > 0)
        {
            goals[MetricCatalog.P99.Name] = Goal.AtMost(1.0, "Nchan");
            goals[MetricCatalog.FrontCpu.Name] = Goal.AtMost(1.25, SenderPeer.Title);
        }

        Goals = goals;
    }

    public override bool ComparesBuilds => true;

    public override Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken) =>
        run.InTurnAsync(
            this,
            peer =>
                MeasureAsync(this, run, peer, _subscribers, _rate, _rate > 0 ? run.Seconds(5) : 5, cancellationToken),
            cancellationToken
        );

    /// <summary>Waits until the server's code has its final optimization. In the first half minute,
    /// recompiling hot code is most of a replica's work; servers run longer than that.</summary>
    public static Task WarmUpAsync(BenchmarkRun run, Peer peer, CancellationToken cancellationToken) =>
        WarmUpAsync(peer, () => DeliverAsync(run, peer, 500, 100, 3, cancellationToken));

    /// <summary>Repeats a work of some seconds until the server compiles nothing meanwhile.</summary>
    public static async Task WarmUpAsync(Peer peer, Func<Task> work)
    {
        const double Quiet = 0.05;
        for (var rounds = 0; rounds < (peer.Probe is null ? 1 : 10); rounds++)
        {
            var before = peer.Probe?.Compiled();
            await work();
            if (peer.Probe?.Compiled() - before < TimeSpan.FromSeconds(Quiet))
                return;
        }
    }

    /// <param name="rate">Events a second. 0: 300 events, as fast as they are accepted.</param>
    /// <param name="servedAs">The server's name in the results; default: the peer's name.</param>
    public static async Task MeasureAsync(
        Measurement measurement,
        BenchmarkRun run,
        Peer peer,
        int subscribers,
        double rate,
        double seconds,
        CancellationToken cancellationToken,
        string? servedAs = null
    )
    {
        var delivery = await DeliverAsync(run, peer, subscribers, rate, seconds, cancellationToken);
        if (!run.IsWhole(measurement, peer, delivery.Read))
            return;

        run.Record(
            measurement,
            servedAs ?? peer.Name,
            (MetricCatalog.Cpu, delivery.Cpu * 1e6 / delivery.Read.Events),
            (MetricCatalog.FrontCpu, delivery.FrontCpu * 1e6 / delivery.Read.Events),
            (MetricCatalog.P50, delivery.Read.P50Ms),
            (MetricCatalog.P99, delivery.Read.P99Ms),
            (MetricCatalog.Rate, delivery.Read.Events / delivery.Published.Seconds),
            (MetricCatalog.Generator, delivery.Read.CpuSeconds * 1e6 / delivery.Read.Events),
            (MetricCatalog.Elsewhere, delivery.Elsewhere)
        );
    }

    /// <summary>Opens readers of a new topic and publishes to them.</summary>
    /// <param name="publishedAt">The server that takes the events; default: the readers'.</param>
    /// <param name="connections">The publisher's connections.</param>
    public static async Task<Delivery> DeliverAsync(
        BenchmarkRun run,
        Peer peer,
        int subscribers,
        double rate,
        double seconds,
        CancellationToken cancellationToken,
        Peer? publishedAt = null,
        int connections = 4
    )
    {
        var to = publishedAt ?? peer;
        var topic = run.NewTopic();
        var events = rate > 0 ? (long)(rate * seconds) : BurstEvents;

        var (readers, _) = await Clients.OpenAsync(
            new ReadOrder([peer.Subscribe(topic)], subscribers, events, seconds + 30),
            cancellationToken
        );

        await using var _ = readers;

        // Lets the work after connecting and closing earlier readers finish.
        await Task.Delay(1_500, cancellationToken);
        var allocated = peer.Probe?.Allocated() ?? 0;
        var before = Used.By(peer);
        var published = await Clients.PublishAsync(
            new PublishOrder(to.Publish, to.HasTopics ? topic : null, connections, rate, events, 1, seconds + 20),
            cancellationToken
        );
        var read = await readers.NextAsync<ReadResult>(cancellationToken);

        var used = Used.By(peer) - before;
        return new Delivery(
            read,
            published,
            used.Cpu,
            used.FrontCpu,
            Math.Max(0, (used.Busy - used.Cpu - read.CpuSeconds - published.CpuSeconds) / used.Seconds),
            (peer.Probe?.Allocated() ?? 0) - allocated
        );
    }

    /// <summary>Processor seconds so far: of a server, of its delivering process and of the machine.</summary>
    private readonly record struct Used(double Cpu, double FrontCpu, double Busy, double Seconds)
    {
        public static Used By(Peer peer) =>
            new(
                ProcessStats.Cpu(peer.Processes),
                ProcessStats.Cpu(peer.Front),
                ProcessStats.MachineBusy(),
                Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency
            );

        public static Used operator -(Used first, Used second) =>
            new(
                first.Cpu - second.Cpu,
                first.FrontCpu - second.FrontCpu,
                first.Busy - second.Busy,
                first.Seconds - second.Seconds
            );
    }
}

/// <summary>Events that were delivered.</summary>
/// <param name="Read">The readers' result.</param>
/// <param name="Published">The publisher's result.</param>
/// <param name="Cpu">Processor seconds of all processes that work for a delivery.</param>
/// <param name="FrontCpu">Those of the process that holds the connections.</param>
/// <param name="Elsewhere">Processors that other work used.</param>
/// <param name="Allocated">Bytes that a .NET server has allocated.</param>
internal sealed record Delivery(
    ReadResult Read,
    PublishResult Published,
    double Cpu,
    double FrontCpu,
    double Elsewhere,
    long Allocated
);
