namespace Streaming.Connections;

/// <summary>Decides when a client returns after its stream has ended, the "reconnection time" of HTML Living Standard
/// §9.2.4. It is spread, so that streams that end together do not come back together.</summary>
internal static class ReconnectionTime
{
    /// <summary>Shortest time when a process without a substitute stops, the same as Firefox's own.</summary>
    private const int AloneMilliseconds = 5_000;

    /// <summary>Returns a client's reconnection time in milliseconds.</summary>
    /// <param name="isShutdown">True for a stream that ends because this process stops.</param>
    public static int Next(SseOptions options, bool isShutdown = false) =>
        (isShutdown ? options.ShutdownRetryMilliseconds ?? AloneMilliseconds : options.RetryMilliseconds)
        + Random.Shared.Next(2 * options.RetryMilliseconds + 1);
}
