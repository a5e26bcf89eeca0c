namespace Benchmarks.Simulation;

/// <summary>
/// Costs that this project has measured (docs/benchmarks.md and docs/decisions), and defaults of its options. Whatever
/// else the simulation takes is an assumption and stands in <see cref="Scenario"/>.
/// </summary>
internal static class Costs
{
    /// <summary>CPU of the delivering process for one delivery, in µs (benchmarks: 50 k deliveries/s).</summary>
    public const double DeliveryMicroseconds = 6.0;

    /// <summary>CPU of the delivering process for a delivery of a burst, in µs (benchmarks: burst of 300).</summary>
    public const double BurstDeliveryMicroseconds = 0.65;

    /// <summary>CPU of all processes for one connect, in µs (benchmarks: connects/s).</summary>
    public const double ConnectMicroseconds = 106;

    /// <summary>CPU of Postgres for a page of one topic of a log of ten million, in µs (decision 16).</summary>
    public const double ReplayMicroseconds = 1_020;

    /// <summary>CPU of Postgres for each event of a page, in µs (benchmarks: a page of 1,000 takes 12 ms).</summary>
    public const double ReplayEventMicroseconds = 12;

    /// <summary>Events that 64 single writers append in a second (benchmarks, since migration 0010).</summary>
    public const int AppendsPerSecond = 13_800;

    /// <summary>Events that a replica keeps of all topics by default (Streaming:RecentEvents).</summary>
    public const int RecentEvents = 8_192;

    /// <summary>Reads of the store that a replica makes at once by default (Streaming:ReplayReaders).</summary>
    public const int ReplayReaders = 4;

    /// <summary>Frames that a filter's ring keeps at least, and for each connection (FilterLog).</summary>
    public const int MinRingFrames = 4,
        RingFramesPerReader = 8;

    /// <summary>Bounds of the reconnection time, in ms (Streaming:RetryMinMilliseconds, -MaxMilliseconds).</summary>
    public const int RetryMin = 1_000,
        RetryMax = 3_000;

    /// <summary>Longest time between two frames of a stream whose head moves on, in ms (contract).</summary>
    public const int IdInterval = 10_000;

    /// <summary>Silence after which our clients connect again, in ms (their option heartbeat).</summary>
    public const int ClientWatchdog = 45_000;

    /// <summary>Slots that topics hash to by default (EventStore:Slots).</summary>
    public const int Slots = 4_096;
}
