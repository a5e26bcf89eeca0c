using System.Globalization;

namespace Benchmarks.Measurements;

internal abstract class Measurement(string name, string what)
{
    public string Name => name;
    public string What => what;

    /// <summary>The server whose results the goals apply to; the numerator of the ratios.</summary>
    public virtual string Subject => "StreamApi";

    /// <summary>The goals, by metric name.</summary>
    public IReadOnlyDictionary<string, Goal> Goals { get; protected init; } = new Dictionary<string, Goal>();

    /// <summary>True if each server is measured by itself, in turns, so that two builds of StreamApi can be compared.
    /// </summary>
    public virtual bool ComparesBuilds => false;

    /// <summary>Runs one round, with all servers in turn, so that
    /// other load on the machine affects all of them.</summary>
    public abstract Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken);

    /// <summary>Ends what all rounds share.</summary>
    public virtual ValueTask EndAsync() => default;
}

/// <summary>A bound for StreamApi's value, or for its ratio to a peer's.</summary>
internal sealed record Goal(double Least, double Most, string? Peer)
{
    public static Goal AtMost(double bound, string? peer = null) => new(double.NegativeInfinity, bound, peer);

    public static Goal AtLeast(double bound) => new(bound, double.PositiveInfinity, null);

    public static Goal Within(double least, double most, string? peer = null) => new(least, most, peer);

    public bool IsMet(double value) => value >= Least && value <= Most;

    public string Text(string unit)
    {
        var bounds = (double.IsFinite(Least), double.IsFinite(Most)) switch
        {
            (true, true) => $"{Number(Least)}–{Number(Most)}",
            (false, _) => $"≤ {Number(Most)}",
            _ => $"≥ {Number(Least)}",
        };
        return $"{bounds} {(Peer is null ? unit : $"× {Peer}")}";
    }

    private static string Number(double bound) => bound.ToString("#,0.##", CultureInfo.InvariantCulture);
}

/// <summary>The metrics' names and units.</summary>
internal static class MetricCatalog
{
    public static readonly Metric Cpu = new("server CPU", "µs/delivery", Judgement.Cost);
    public static readonly Metric FrontCpu = new("CPU of the delivering process", "µs/delivery", Judgement.Cost);
    public static readonly Metric P50 = new("p50", "ms");
    public static readonly Metric P99 = new("p99", "ms");
    public static readonly Metric Rate = new("delivered", "1/s");
    public static readonly Metric Received = new("received", "events");
    public static readonly Metric Generator = new("reader CPU (not the server's)", "µs/delivery");
    public static readonly Metric Elsewhere = new("other work on the machine", "cores");
    public static readonly Metric Appended = new("appended", "events/s", Judgement.Rate);
    public static readonly Metric AppendCpu = new("server CPU", "µs/event", Judgement.Cost);
    public static readonly Metric AppendAllocated = new("allocated", "B/event", Judgement.Cost);
    public static readonly Metric AppendP50 = new("answered p50", "ms");
    public static readonly Metric AppendP99 = new("answered p99", "ms");
    public static readonly Metric RelayedAfter = new("replica caught up after the last append", "s");
    public static readonly Metric Seconds = new("all caught up after", "s");
    public static readonly Metric TokenCpu = new("server CPU", "µs/token", Judgement.Cost);
    public static readonly Metric TokenFrontCpu = new("CPU of the delivering process", "µs/token", Judgement.Cost);
    public static readonly Metric Connects = new("connects", "1/s", Judgement.Rate);
    public static readonly Metric ConnectCpu = new("server CPU", "µs/connect", Judgement.Cost);
    public static readonly Metric ConnectFrontCpu = new("CPU of the delivering process", "µs/connect", Judgement.Cost);
    public static readonly Metric IdleCpu = new("CPU of the idle replicas", "cores");
    public static readonly Metric HeldMemory = new("memory of the replicas", "kB/connection");
    public static readonly Metric StoreReads = new("store reads", "reads");
    public static readonly Metric Allocated = new("allocated", "B/delivery", Judgement.Zero);
    public static readonly Metric AllocatedEvent = new("allocated for the event itself", "B/event", Judgement.Cost);
    public static readonly Metric Memory = new("memory, 5,000 just connected", "kB/connection");
    public static readonly Metric Settled = new("memory, 5,000 settled", "kB/connection");
}
