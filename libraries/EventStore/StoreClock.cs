namespace EventStore;

/// <summary>
/// Postgres's clock, which stamps the events, as an offset to this process's clock, so that delivery times are right
/// across machines. Of the last answers the one with the shortest round trip counts (clock filter, RFC 5905 §10); an
/// offset within that round trip counts as zero. Thread-safe.
/// </summary>
/// <param name="clock">This process's clock.</param>
public sealed class StoreClock(TimeProvider clock)
{
    private const int Answers = 8;

    private readonly Lock _gate = new();
    private readonly Queue<(TimeSpan Took, TimeSpan Offset)> _answers = new(Answers);
    private long _ahead;

    /// <summary>
    /// Offset of Postgres's clock to this process's, positive if it is ahead. Zero until it is known; during an outage
    /// the last one, because clocks drift little meanwhile.
    /// </summary>
    public TimeSpan Ahead => new(Volatile.Read(ref _ahead));

    /// <summary>Current time by Postgres's clock, in UTC ticks.</summary>
    public long NowTicks => clock.GetUtcNow().UtcTicks + Volatile.Read(ref _ahead);

    /// <summary>This process's clock.</summary>
    public TimeProvider Local => clock;

    /// <summary>Notes an answer of Postgres. After a frozen time several may come at once.</summary>
    /// <param name="asked">When it was asked, by this process's clock.</param>
    /// <param name="took">The time until the answer.</param>
    /// <param name="answer">Postgres's time.</param>
    public void Note(DateTimeOffset asked, TimeSpan took, DateTimeOffset answer)
    {
        lock (_gate)
        {
            if (_answers.Count == Answers)
                _answers.Dequeue();
            _answers.Enqueue((took, answer - (asked + took / 2)));

            var best = _answers.MinBy(a => a.Took);
            Volatile.Write(ref _ahead, best.Offset.Duration() > best.Took ? best.Offset.Ticks : 0);
        }
    }
}
