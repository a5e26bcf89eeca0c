using LoadTests.Measuring;

namespace LoadTests.Running;

/// <summary>
/// What happened while the load was what was asked for: from the end of the ramp, when everybody is connected, the rate
/// is full and the code is compiled, to
/// the end of publishing. Rates and CPU are of this time only; losses and latencies are judged over the whole run.
/// </summary>
/// <param name="Seconds">How long.</param>
/// <param name="Published">Events begun to be published.</param>
/// <param name="Received">By all readers.</param>
/// <param name="Delivery">Latencies of what was received by readers that are neither slow by intention nor just
/// returning.</param>
/// <param name="CpuSeconds">Of this process, user and system: readers, publisher and all, to know whether it is the
/// bottleneck.</param>
/// <param name="ServerCpuSeconds">Of the system's processes, by name; empty where they cannot be seen, null of those
/// that were replaced meanwhile.</param>
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

    /// <summary>Null where it is not known of all.</summary>
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
        // To look at the others costs CPU itself: before the own is read here, and after it at the end.
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
