namespace EventStore;

/// <summary>Postgres's clock, which stamps the events, as an offset to this process's. The answer with the shortest
/// round trip of the last ones counts (clock filter, RFC 5905 §10); an offset shorter than that round trip counts as
/// zero. Thread-safe.</summary>
internal sealed class StoreClock(TimeProvider clock)
{
    private const int Answers = 8;

    private readonly Lock _gate = new();
    private readonly Queue<(TimeSpan Took, TimeSpan Offset)> _answers = new(Answers);
    private long _ahead;

    /// <summary>Postgres's time minus this process's; zero until it is known, the last known difference during an
    /// outage.</summary>
    public TimeSpan Ahead => new(Volatile.Read(ref _ahead));

    /// <summary>Current time by Postgres's clock, in UTC ticks.</summary>
    public long NowTicks => clock.GetUtcNow().UtcTicks + Volatile.Read(ref _ahead);

    public TimeProvider Local => clock;

    /// <summary>Notes an answer of Postgres. After Postgres was frozen, several answers may come at once.</summary>
    /// <param name="asked">Time of the question, by this process's clock.</param>
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
