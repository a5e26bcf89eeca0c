namespace Streaming.Connections;

internal static class ElapsedTime
{
    /// <summary>Returns the milliseconds of a clock that never goes back. Only the difference of two values is a
    /// time.</summary>
    public static long Milliseconds(this TimeProvider clock) =>
        clock.GetTimestamp() / (clock.TimestampFrequency / 1_000);
}
