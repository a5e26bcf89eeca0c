namespace Benchmarks.Simulation;

/// <summary>
/// The client's own account of what it received: each event of its topics once, a topic's events without a gap, and the
/// positions of a log rising. It knows nothing of the servers' state.
/// </summary>
internal sealed class ReaderLedger(int topics, int logs)
{
    private readonly int[] _ordinals = new int[topics];
    private readonly int[] _positions = new int[logs];

    public long Received { get; private set; }
    public long Lost { get; private set; }
    public long Duplicates { get; private set; }
    public long Reordered { get; private set; }

    /// <param name="topic">Index of the topic among the reader's.</param>
    /// <param name="log">The topic's log.</param>
    /// <param name="position">The event's position in the log.</param>
    /// <param name="ordinal">The event's number within its topic, which its publisher wrote into it.</param>
    public void Receive(int topic, int log, int position, int ordinal)
    {
        Received++;
        if (ordinal <= _ordinals[topic])
            Duplicates++;
        else if (position <= _positions[log])
            Reordered++;
        if (ordinal > _ordinals[topic] + 1)
            Lost += ordinal - _ordinals[topic] - 1;
        _ordinals[topic] = Math.Max(ordinal, _ordinals[topic]);
        _positions[log] = Math.Max(position, _positions[log]);
    }

    /// <summary>Compares with what was published in the end.</summary>
    public void End(int topic, int published) => Lost += Math.Max(0, published - _ordinals[topic]);
}
