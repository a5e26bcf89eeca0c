using Microsoft.Extensions.Options;

namespace Streaming.Admission;

/// <summary>The gates of a replica, which limit how much costly work of each kind runs at once.</summary>
internal sealed class Gates
{
    /// <summary>Part of all processors that parsing may use while the processors are busy.</summary>
    private const double BodyShare = 0.25;

    /// <summary>Part of one processor that searches may use while the processors are busy: a replay may need thousands
    /// of searches, each as costly as a page.</summary>
    private const double SearchShare = 0.25;

    /// <summary>Requests that usually wait for one gate at most; each holds some 16 kB.</summary>
    private const int MaxWaiting = 1_000;

    private readonly TimeProvider _clock;
    private readonly ProcessorUse _use;

    public Gates(
        IOptions<EventStoreOptions> store,
        IOptions<SseOptions> streaming,
        IOptions<AdmissionOptions> options,
        TimeProvider clock
    )
    {
        _clock = clock;
        _use = new ProcessorUse(clock);

        var processors = Environment.ProcessorCount;
        var half = Math.Max(1, processors / 2);
        // Concurrent reads compete for the processors with appends and deliveries.
        Reads = options.Value.ReadPercent is { } percent
            ? Gate("reads", Math.Min(store.Value.ReadConnections, half), percent / 100.0)
            : Gate("reads", store.Value.ReadConnections, processors);
        // A replay is never refused, because the number of open streams bounds how many wait. One of the connections is
        // for searches.
        Replays = new FairGate("replays", Math.Max(1, streaming.Value.ReplayReaders - 1), int.MaxValue, clock);
        Searches = new FairGate("searches", seats: 1, int.MaxValue, clock)
        {
            Processors = _use,
            BusyShare = SearchShare,
        };
        Bodies = Gate("request bodies", half, BodyShare);

        if (options.Value.SparePercent is > 0 and var spare)
            Spare = Gate("requests beyond your rate", Math.Max(2, processors), spare / 100.0, options.Value.HasReaders);
    }

    public FairGate Reads { get; }

    public FairGate Replays { get; }

    /// <summary>Further pages of replays that search the log.</summary>
    public FairGate Searches { get; }

    /// <summary>Parsing of large request bodies.</summary>
    public FairGate Bodies { get; }

    /// <summary>The gate of requests beyond their client's rate, or null if such requests wait for the rate. It has a
    /// seat for each processor, and at least two, because a client alone gets only half of the seats.</summary>
    public FairGate? Spare { get; }

    /// <param name="busyShare">Part of all processors that the work may use while they are busy.</param>
    /// <param name="hasReaders">Returns false while nobody would notice the work. Null counts as true.</param>
    private FairGate Gate(string work, int seats, double busyShare, Func<bool>? hasReaders = null) =>
        new(work, seats, MaxWaiting, _clock)
        {
            Processors = _use,
            HasReaders = hasReaders ?? (() => true),
            BusyShare = Math.Min(1, busyShare * Environment.ProcessorCount / seats),
        };
}
