namespace Streaming;

internal static class ElapsedTime
{
    /// <summary>Returns the milliseconds of a clock that never goes back, from a start that says nothing: only
    /// differences are times.</summary>
    public static long Milliseconds(this TimeProvider clock) =>
        clock.GetTimestamp() / (clock.TimestampFrequency / 1_000);
}
