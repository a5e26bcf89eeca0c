using LoadTests.Targets;
using Measuring;

namespace LoadTests.Measurements;

/// <summary>
/// Measurements from the end of the ramp, with all clients connected, the full rate and compiled code, to the end of
/// publishing. Rates and CPU cover this time only; losses and latencies cover the whole run.
/// </summary>
/// <param name="Seconds">The length of the window.</param>
/// <param name="Published">Events whose publishing began.</param>
/// <param name="Received">Events received by all readers.</param>
/// <param name="Delivery">Latencies of readers that are neither slow on purpose nor just resuming.</param>
/// <param name="CpuSeconds">User and system time of this process, to see whether the generator is the
/// bottleneck.</param>
/// <param name="ServerCpuSeconds">CPU time of the system's processes by name; empty when they are not visible, null
/// for a process that was replaced in the window.</param>
internal sealed record SteadyWindow(
    double Seconds,
    long Published,
    long Received,
    LatencySnapshot Delivery,
    double CpuSeconds,
    IReadOnlyDictionary<string, double?> ServerCpuSeconds
)
{
    public double PublishedPerSecond => Rate(Published);
    public double DeliveredPerSecond => Rate(Received);
    public double Cores => Rate(CpuSeconds);
    public double MicrosecondsPerEvent => PerEvent(CpuSeconds);

    /// <summary>Null when unknown for any of the processes.</summary>
    public double? ServerMicrosecondsPerEvent => ServerTotal is { } seconds ? PerEvent(seconds) : null;
    public double? AllServerCores => ServerTotal is { } seconds ? Rate(seconds) : null;
    public IEnumerable<KeyValuePair<string, double?>> ServerCores =>
        ServerCpuSeconds.Select(s =>
            KeyValuePair.Create(s.Key, s.Value is { } seconds ? Rate(seconds) : (double?)null)
        );
    private double? ServerTotal =>
        ServerCpuSeconds.Count == 0 || ServerCpuSeconds.Values.Any(s => s is null)
            ? null
            : ServerCpuSeconds.Values.Sum();

    public static SteadyWindow Begin(LoadRun run, ServerUsage servers)
    {
        // Reading the other processes costs CPU, so it comes before
        // this process's own start value and after its end value.
        var others = servers.CpuSeconds();
        return Now(run) with { ServerCpuSeconds = others };
    }

    public SteadyWindow End(LoadRun run, ServerUsage servers)
    {
        var now = Now(run);
        return new(
            now.Seconds - Seconds,
            now.Published - Published,
            now.Received - Received,
            now.Delivery.Since(Delivery),
            now.CpuSeconds - CpuSeconds,
            servers.CpuSeconds().ToDictionary(s => s.Key, s => s.Value - ServerCpuSeconds.GetValueOrDefault(s.Key))
        );
    }

    private static SteadyWindow Now(LoadRun run) =>
        new(
            System.Diagnostics.Stopwatch.GetElapsedTime(0).TotalSeconds,
            run.Counters.Published,
            run.Received,
            run.Delivery.Snapshot(),
            OperatingSystem.IsWindows() || OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
                ? Environment.CpuUsage.TotalTime.TotalSeconds
                : 0,
            new Dictionary<string, double?>()
        );

    private double Rate(double amount) => Seconds > 0 ? amount / Seconds : 0;

    private double PerEvent(double seconds) => Received > 0 ? seconds * 1e6 / Received : 0;
}
