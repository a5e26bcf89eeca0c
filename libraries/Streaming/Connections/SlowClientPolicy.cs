namespace Streaming.Connections;

/// <summary>Policy for a client that cannot keep up (<c>?slow=</c>).</summary>
internal enum SlowClientPolicy
{
    /// <summary>Feeds the client from the store until it has caught up, so that nothing is lost.</summary>
    CatchUp,

    /// <summary>Skips to the newest event of each key (else of each topic), and sends <c>event: skipped</c>.</summary>
    Latest,

    /// <summary>Ends the stream after <c>SlowSeconds</c>, with a reconnection time if the client still reads.</summary>
    Disconnect,
}

internal static class StalledClientRule
{
    /// <summary>Milliseconds without progress after which no memory is kept for a client.</summary>
    public const int StalledMilliseconds = 3_000;

    /// <summary>Returns true for a client that wants no lag and has lagged too long by its own slowness.</summary>
    public static bool LagsTooLong(StreamConnection connection, long now, StreamingOptions options) =>
        connection.SlowPolicy == SlowClientPolicy.Disconnect
        && connection.Pace == ReaderPace.Slow
        && now - connection.SlowSince >= options.SlowSeconds * 1_000L;

    /// <summary>Returns the reason to end a client that does not read, or null if it may continue.</summary>
    /// <param name="isFull">True if no memory is left for pages.</param>
    public static EndReason? EndOf(
        StreamConnection connection,
        long stalledMilliseconds,
        StreamingOptions options,
        bool isFull
    )
    {
        var holdsMemory = isFull && connection.CatchUp?.Page is not null && stalledMilliseconds >= StalledMilliseconds;
        if (
            connection.SlowPolicy == SlowClientPolicy.Disconnect
            && (stalledMilliseconds >= options.SlowSeconds * 1_000L || holdsMemory)
        )
            return EndReason.TooSlow;
        return stalledMilliseconds >= options.DeadSeconds * 1_000L ? EndReason.Dead : null;
    }

    public static SlowClientPolicy? Parse(string? text) =>
        text switch
        {
            null or "" or "catch-up" => SlowClientPolicy.CatchUp,
            "latest" => SlowClientPolicy.Latest,
            "disconnect" => SlowClientPolicy.Disconnect,
            _ => null,
        };
}
