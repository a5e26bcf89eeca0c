namespace StreamApi.Seeds.Storage;

internal static class Timestamps
{
    /// <summary>Now, in whole milliseconds: what state and event say is then the same, and every client's parser reads
    /// it.</summary>
    public static DateTimeOffset GetMoment(this TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
    }
}
