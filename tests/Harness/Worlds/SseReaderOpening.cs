namespace Harness.Worlds;

/// <summary>Waits of a test for a stream that is being opened.</summary>
internal static class SseReaderOpening
{
    /// <summary>Waits for the end of a stream that is being opened.</summary>
    public static async Task<SseReader> ToEndAsync(this Task<SseReader> opening)
    {
        var reader = await opening;
        await reader.WaitForEndAsync();
        return reader;
    }

    /// <summary>Waits for a number of events of a stream that is being opened.</summary>
    public static async Task<SseReader> ToEventsAsync(this Task<SseReader> opening, int count)
    {
        var reader = await opening;
        await reader.WaitForEventsAsync(count);
        return reader;
    }
}
