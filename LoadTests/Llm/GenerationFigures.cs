using LoadTests.Measuring;

namespace LoadTests.Llm;

/// <summary>What is counted and timed of the generations of a run, beside the run's own figures. Thread-safe.</summary>
/// <remarks>
/// With the fake upstream a run's deliveries are the added latency: from the upstream's socket to the reader's hands. With the demo provider, whose
/// tokens carry no time, they are the gaps between one event and the next.
/// </remarks>
internal sealed class GenerationFigures(int replicas, bool timed, int joinMilliseconds)
{
    // The server's defaults of Llm:JoinWidensFrom and Llm:JoinMaxMilliseconds.
    private const double WidensFrom = 40, MostMilliseconds = 400;

    // .NET's timers go by Linux's coarse clock, and fire up to 4 ms early.
    private const long TimerNanoseconds = 5_000_000;
    private readonly int[] _running = new int[replicas];
    private long _begun, _done, _interrupted, _failed, _drops, _tokens, _early, _different;

    /// <summary>Whether tokens carry the time they were sent.</summary>
    public bool IsTimed => timed;

    /// <summary>From before the POST to the first token in the reader's hands.</summary>
    public LatencyHistogram FirstToken { get; } = new();

    /// <summary>The added latency without the joining window, which is on purpose: what the gateway cannot help.</summary>
    public LatencyHistogram BeyondWindow { get; } = new();

    public long Begun => Volatile.Read(ref _begun);
    public long Done => Volatile.Read(ref _done);
    public long Interrupted => Volatile.Read(ref _interrupted);
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Begun, and neither at their end nor given up.</summary>
    public int Running => _running.Sum();
    public long Drops => Volatile.Read(ref _drops);

    /// <summary>Tokens of the generations that are done, as the server counts them.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Generations whose text as read is not the upstream's, or not what the server says it is.</summary>
    public long Different => Volatile.Read(ref _different);

    /// <summary>Tokens that came before the window was over: the server's is shorter than was assumed, and the figure too good.</summary>
    public long Early => Volatile.Read(ref _early);

    /// <summary>The window now on a replica, in milliseconds: it widens with the generations that run there.</summary>
    public double Window(int replica) => Math.Min(joinMilliseconds * Math.Max(1, Volatile.Read(ref _running[replica]) / WidensFrom), Math.Max(MostMilliseconds, joinMilliseconds));

    public void BegunOn(int replica)
    {
        Interlocked.Increment(ref _begun);
        Interlocked.Increment(ref _running[replica]);
    }

    public void EndedOn(int replica) => Interlocked.Decrement(ref _running[replica]);
    public void Dropped() => Interlocked.Increment(ref _drops);
    public void FailedOne() => Interlocked.Increment(ref _failed);
    public void InterruptedOne() => Interlocked.Increment(ref _interrupted);
    public void IsDifferent() => Interlocked.Increment(ref _different);

    public void DoneWith(long tokens)
    {
        Interlocked.Increment(ref _done);
        Interlocked.Add(ref _tokens, tokens);
    }

    /// <summary>A token of a joined event: nothing could leave before the window, counted from the event's first token, was over.</summary>
    /// <param name="received">When, in nanoseconds.</param>
    /// <param name="sent">When the upstream sent it.</param>
    /// <param name="firstSent">When it sent the first of the event.</param>
    /// <param name="window">In milliseconds; 0 for the first event, which waits for nothing.</param>
    public void Joined(long received, long sent, long firstSent, double window)
    {
        var beyond = received - Math.Max(sent, firstSent + (long)(window * 1e6));
        if (beyond < -TimerNanoseconds) Interlocked.Increment(ref _early);
        BeyondWindow.RecordTicks(beyond / 100);
    }
}
