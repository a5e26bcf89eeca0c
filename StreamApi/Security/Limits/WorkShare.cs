namespace StreamApi.Security.Limits;

/// <summary>
/// Limits the average share of processor time of one kind of work. Work beyond the share is followed by a pause.
/// Thread-safe.
/// </summary>
/// <param name="processors">Processors that the work may keep busy, such as 0.25.</param>
/// <param name="clock">The clock.</param>
internal sealed class WorkShare(double processors, TimeProvider clock)
{
    /// <summary>
    /// Maximum time charged for one turn. A read is limited in rows, so a longer turn only waited.
    /// </summary>
    private static readonly TimeSpan MaxPerTurn = TimeSpan.FromSeconds(2);

    /// <summary>Work allowed at once after an idle time.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(25);

    private readonly Lock _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private double _paidUntil; // seconds since the start

    /// <summary>Creates a share without limit.</summary>
    public static WorkShare Unlimited(TimeProvider clock) => new(double.PositiveInfinity, clock);

    public TimeProvider Clock => clock;

    /// <summary>Time until more work may start; zero if it may start now.</summary>
    public TimeSpan Pause
    {
        get
        {
            lock (_gate)
                return TimeSpan.FromSeconds(Math.Max(0, _paidUntil - Now - Burst.TotalSeconds / processors));
        }
    }

    /// <summary>Charges finished work as of its start.</summary>
    public void Add(TimeSpan work)
    {
        var seconds = Math.Min(work.TotalSeconds, MaxPerTurn.TotalSeconds) / processors;
        lock (_gate)
            _paidUntil = Math.Max(_paidUntil, Now - work.TotalSeconds) + seconds;
    }

    private double Now => clock.GetElapsedTime(_start).TotalSeconds;
}
