using LoadTests.Measuring;

namespace LoadTests.Llm;

/// <summary>What is counted and timed of the generations of a run, beside the run's own figures. Thread-safe.</summary>
/// <remarks>
/// With the fake upstream a run's deliveries are the added latency: from the upstream's socket to the reader's hands.
/// With the demo provider, whose
/// tokens carry no time, they are the gaps between one event and the next.
/// </remarks>
internal sealed class GenerationFigures(bool timed)
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _unexplained = new();
    private readonly System.Collections.Concurrent.ConcurrentDictionary<GenerationReader, bool> _readers = new();
    private int _running;
    private long _begun,
        _done,
        _interrupted,
        _failed,
        _drops,
        _tokens,
        _different;

    /// <summary>Whether tokens carry the time they were sent.</summary>
    public bool IsTimed => timed;

    /// <summary>From before the POST to the first token in the reader's hands.</summary>
    public LatencyHistogram FirstToken { get; } = new();

    public long Begun => Volatile.Read(ref _begun);
    public long Done => Volatile.Read(ref _done);
    public long Interrupted => Volatile.Read(ref _interrupted);
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Begun, and neither at their end nor given up.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Readers that are connected, and get nothing.</summary>
    public int Stalled => _readers.Keys.Count(r => r.IsStalled);

    public void Reads(GenerationReader reader) => _readers[reader] = true;

    public void ReadsNoMore(GenerationReader reader) => _readers.TryRemove(reader, out _);

    public long Drops => Volatile.Read(ref _drops);

    /// <summary>Tokens of the generations that are done, as the server counts them.</summary>
    public long Tokens => Volatile.Read(ref _tokens);

    /// <summary>Generations whose text as read is not the upstream's, or not what the server says it is.</summary>
    public long Different => Volatile.Read(ref _different);

    /// <summary>What failed without a fault that explains it; without chaos all that failed.</summary>
    public IReadOnlyCollection<string> UnexplainedFailures => _unexplained;

    public void Unexplained(string what) => _unexplained.Enqueue(what);

    public void BegunOne()
    {
        Interlocked.Increment(ref _begun);
        Interlocked.Increment(ref _running);
    }

    public void EndedOne() => Interlocked.Decrement(ref _running);

    public void Dropped() => Interlocked.Increment(ref _drops);

    public void FailedOne() => Interlocked.Increment(ref _failed);

    public void InterruptedOne() => Interlocked.Increment(ref _interrupted);

    public void IsDifferent() => Interlocked.Increment(ref _different);

    public void DoneWith(long tokens)
    {
        Interlocked.Increment(ref _done);
        Interlocked.Add(ref _tokens, tokens);
    }
}
