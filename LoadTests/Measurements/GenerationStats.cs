using Measuring;

namespace LoadTests.Measurements;

/// <summary>Counters and latencies of the generations of a run, beside the run's own. Thread-safe.</summary>
/// <remarks>
/// With the fake upstream, a run's deliveries are the added latency from the upstream's socket to the reader. With
/// the demo provider, whose tokens carry no time, they are the gaps between events.
/// </remarks>
internal sealed class GenerationStats(bool timed)
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _unexplained = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<IStallable, bool> _readers = new();
    private int _running;
    private long _started;
    private long _completed;
    private long _interrupted;
    private long _failed;
    private long _drops;
    private long _tokens;
    private long _different;

    /// <summary>True when tokens carry the time at which they were sent.</summary>
    public bool IsTimed => timed;

    /// <summary>The time from before the POST to the reader's first token.</summary>
    public LatencyHistogram FirstToken { get; } = new();

    public long Started => Volatile.Read(ref _started);
    public long Completed => Volatile.Read(ref _completed);
    public long Interrupted => Volatile.Read(ref _interrupted);
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Generations that have neither ended nor failed.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Connected readers that receive nothing.</summary>
    public int Stalled => _readers.Keys.Count(r => r.IsStalled);

    public void AddReader(IStallable reader) => _readers[reader] = true;

    public void RemoveReader(IStallable reader) => _readers.TryRemove(reader, out _);

    public long Drops => Volatile.Read(ref _drops);

    /// <summary>Tokens of the completed generations, as the server counts them.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Generations whose received text differs from the upstream's or from the server's.</summary>
    public long Different => Volatile.Read(ref _different);

    /// <summary>Failures that no fault explains; without chaos, all failures.</summary>
    public IReadOnlyCollection<string> UnexplainedFailures => _unexplained;

    public void RecordUnexplained(string what) => _unexplained.Enqueue(what);

    public void RecordStarted()
    {
        Interlocked.Increment(ref _started);
        Interlocked.Increment(ref _running);
    }

    public void RecordEnded() => Interlocked.Decrement(ref _running);

    public void RecordDrop() => Interlocked.Increment(ref _drops);

    public void RecordFailed() => Interlocked.Increment(ref _failed);

    public void RecordInterrupted() => Interlocked.Increment(ref _interrupted);

    public void RecordDifferent() => Interlocked.Increment(ref _different);

    public void RecordCompleted(long tokens)
    {
        Interlocked.Increment(ref _completed);
        Interlocked.Add(ref _tokens, tokens);
    }
}

/// <summary>A reader that may be connected and receive nothing.</summary>
internal interface IStallable
{
    bool IsStalled { get; }
}
