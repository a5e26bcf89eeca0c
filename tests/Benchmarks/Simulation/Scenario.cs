namespace Benchmarks.Simulation;

/// <summary>A system, its load and the region that it loses. What is assumed stands here, measured costs in
/// <see cref="Costs"/>.</summary>
internal sealed record Scenario(string Name)
{
    public ulong Seed { get; init; } = 20_261_121;

    /// <summary>Replicas, readers and topics of all regions together; the regions are equal.</summary>
    public int Replicas { get; init; } = 200;
    public int Readers { get; init; } = 10_000_000;
    public int Topics { get; init; } = 100_000;

    /// <summary>Events per second of all topics together.</summary>
    public int EventsPerSecond { get; init; } = 5_000;

    /// <summary>Zipf exponent of the topics' readers. Events have the square root of that skew, over topics in another
    /// order: with both skews on one topic, it alone would carry half of all deliveries.</summary>
    public double ReaderSkew { get; init; } = 1.0;
    public double EventSkew => ReaderSkew / 2;

    /// <summary>Logs, each with its primary in another region. A reader of several has a vector id.</summary>
    public int Logs { get; init; } = 1;

    /// <summary>Redis servers of a region. A slot is on one of them.</summary>
    public int RedisServers { get; init; } = 2;

    /// <summary>Part of the relay's messages that Redis loses, in millionths.</summary>
    public int LostPerMillion { get; init; } = 100;

    /// <summary>Milliseconds between two batches of the relay.</summary>
    public int RelayInterval { get; init; } = 40;

    /// <summary>One-way time between regions and within one, in ms.</summary>
    public int BetweenRegions { get; init; } = 40;
    public int WithinRegion { get; init; } = 1;

    /// <summary>CPU of a replica for each recent event that a resuming stream of another range looks through, in
    /// µs.</summary>
    public double ScanMicroseconds { get; init; } = 0.1;

    /// <summary>Cores of a replica, and cores of a primary that replays may use.</summary>
    public int ReplicaCores { get; init; } = 8;
    public int StoreCores { get; init; } = 16;

    public int RecentEvents { get; init; } = Costs.RecentEvents;
    public int ReplayReaders { get; init; } = Costs.ReplayReaders;

    /// <summary>The region that is lost, and when; region n has the primary of log n.</summary>
    public int LostRegion { get; init; }
    public int LostAt { get; init; } = 20_000;

    /// <summary>True: clients see their connections closed. False: packets vanish, and clients notice by their
    /// watchdog.</summary>
    public bool Closed { get; init; }

    /// <summary>Time after which no more clients are sent to the lost region, in ms.</summary>
    public int DrainTime { get; init; } = 10_000;

    /// <summary>Time without a primary, in ms (Patroni's default ttl).</summary>
    public int PromotionTime { get; init; } = 30_000;

    /// <summary>Readers that are simulated one by one, each with its own ledger. They drop and resume all the
    /// time.</summary>
    public int Samples { get; init; } = 4_000;
    public int SampleDropInterval { get; init; } = 30_000;

    /// <summary>The end of a run whose readers have not caught up, in ms.</summary>
    public int Limit { get; init; } = 600_000;

    public SimulationFault Fault { get; init; }

    public const int Regions = 3;

    public int Delay(int from, int to) => from == to ? WithinRegion : BetweenRegions;

    /// <summary>Settings for this size: a minute of events in memory, and reads that wait for another region side by
    /// side.</summary>
    private static readonly Scenario Sized = new("") { RecentEvents = 300_000, ReplayReaders = 64 };

    public static readonly IReadOnlyList<Scenario> All =
    [
        Sized with
        {
            Name = "one log; a region without the primary, closed",
            LostRegion = 1,
            Closed = true,
        },
        Sized with
        {
            Name = "one log; a region without the primary, silent",
            LostRegion = 1,
        },
        Sized with
        {
            Name = "one log; the primary's region, silent",
        },
        Sized with
        {
            Name = "three logs, vector ids; a region and its primary, silent",
            Logs = 3,
        },
        new("as 2, with default settings") { LostRegion = 1 },
        new("as 2, with 64 reads at once, but default memory") { LostRegion = 1, ReplayReaders = 64 },
    ];
}

/// <summary>Faults that the order check must find.</summary>
internal enum SimulationFault
{
    None,

    /// <summary>A resumed stream leaves out an event.</summary>
    ResumeTooLate,

    /// <summary>A resumed stream starts at the client's id instead of after it.</summary>
    ResumeTooEarly,

    /// <summary>A resumed stream starts at the head.</summary>
    ResumeAtHead,

    /// <summary>A gap between two messages is not read from the store.</summary>
    IgnoreGap,

    /// <summary>The read of a gap settles the log's head at its return instead of the page's end.</summary>
    SettleBeyondPage,

    /// <summary>A stream that takes a page goes on at the log's head instead of the page's end.</summary>
    JoinBeyondPage,

    /// <summary>A heartbeat settles the head that it tells.</summary>
    HeartbeatSettles,

    /// <summary>A stream of several slots goes on when one of them has settled.</summary>
    SettleAny,
}
