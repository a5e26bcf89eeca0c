namespace Integration.Delivery;

/// <summary>A clock that differs from the system's.</summary>
/// <param name="by">The difference; positive: it is ahead.</param>
internal class ShiftedClock(TimeSpan by) : TimeProvider
{
    public TimeSpan By { get; set; } = by;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(By.TotalSeconds * TimestampFrequency);
}
