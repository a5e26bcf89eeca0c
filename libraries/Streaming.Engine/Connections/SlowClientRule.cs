namespace Streaming.Connections;

/// <summary>Decides when to end the stream of a client that does not keep up, by its
/// <see cref="SlowClientPolicy"/>.</summary>
internal static class SlowClientRule
{
    /// <summary>Milliseconds without progress after which no memory is kept for a client.</summary>
    public const int StalledMilliseconds = 3_000;

    /// <summary>Returns true for a client with <c>slow=disconnect</c> that has lagged too long because it reads
    /// slowly.</summary>
    public static bool LagsTooLong(StreamConnection connection, long now, SseOptions options) =>
        connection.SlowPolicy == SlowClientPolicy.Disconnect
        && connection.Pace == ReaderPace.Slow
        && now - connection.SlowSince >= options.SlowSeconds * 1_000L;

    /// <summary>Returns the reason to end the stream of a client that does not read, or null if the stream may
    /// continue.</summary>
    /// <param name="isFull">True if no memory is left for pages.</param>
    public static EndReason? EndOf(
        StreamConnection connection,
        long stalledMilliseconds,
        SseOptions options,
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
