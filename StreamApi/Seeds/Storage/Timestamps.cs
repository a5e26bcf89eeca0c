namespace StreamApi.Seeds.Storage;

/// <summary>Times as the APIs send them.</summary>
internal static class Timestamps
{
    /// <summary>
    /// Returns the time in whole milliseconds, so that state and event agree and every client's parser reads it.
    /// </summary>
    public static DateTimeOffset WholeMilliseconds(this DateTimeOffset time) =>
        time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMillisecond));
}
