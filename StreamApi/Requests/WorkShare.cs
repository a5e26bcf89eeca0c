namespace StreamApi.Requests;

/// <summary>
/// The part of the processors' time that one kind of work may have on average. What it took beyond is paid with a
/// pause. Thread-safe.
/// </summary>
/// <param name="processors">Processors that it may keep busy, such as 0.25.</param>
/// <param name="clock">The time.</param>
internal sealed class WorkShare(double processors, TimeProvider clock)
{
    /// <summary>Work that is charged at most for one turn: what took longer waited for something else than a
    /// processor.</summary>
    private static readonly TimeSpan MostOfTurn = TimeSpan.FromMilliseconds(20);

    /// <summary>Work that may be done at once after a quiet time.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly long _start = clock.GetTimestamp();
    private double _paid; // seconds since the start until which all work is paid

    /// <summary>A share without bounds.</summary>
    public static WorkShare Unlimited { get; } = new(double.PositiveInfinity, TimeProvider.System);

    public TimeProvider Clock => clock;

    /// <summary>The time until more work may begin; zero where it may at once.</summary>
    public TimeSpan Pause
    {
        get
        {
            lock (_gate)
                return TimeSpan.FromSeconds(Math.Max(0, _paid - Now - Burst.TotalSeconds / processors));
        }
    }

    /// <summary>Counts work that has been done.</summary>
    public void Add(TimeSpan work)
    {
        var seconds = Math.Min(work.TotalSeconds, MostOfTurn.TotalSeconds) / processors;
        lock (_gate)
            _paid = Math.Max(_paid, Now) + seconds;
    }

    private double Now => clock.GetElapsedTime(_start).TotalSeconds;
}
