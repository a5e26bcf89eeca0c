namespace Streaming.Connections;

internal static class ElapsedTime
{
    /// <summary>Returns milliseconds of a clock that never goes back; only differences are times.</summary>
    public static long Milliseconds(this TimeProvider clock) =>
        clock.GetTimestamp() / (clock.TimestampFrequency / 1_000);
}
