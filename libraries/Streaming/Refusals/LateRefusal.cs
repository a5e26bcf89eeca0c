namespace Streaming.Refusals;

/// <summary>Delays refusals, because clients that repeat a refused request at once would take the processors from
/// others.</summary>
internal static class LateRefusal
{
    /// <summary>A refused body up to this size is answered at once.</summary>
    private const int SmallBytes = 64 * 1024;

    /// <summary>Delay for clients that ignore Retry-After; random, so that they do not return all at once.</summary>
    public static TimeSpan RandomDelay => TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble());

    /// <summary>Waits, then closes the connection with the response.</summary>
    public static async Task DelayAsync(HttpContext context, TimeSpan delay)
    {
        await Task.Delay(delay, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // If they stayed open, every garbage collection would visit thousands of connections. HTTP/2 has no such header
        // (RFC 9113 §8.2.2).
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
    }

    public static Task DelayBodyAsync(HttpContext context) =>
        context.Request.ContentLength is <= SmallBytes ? Task.CompletedTask : DelayAsync(context, RandomDelay);
}
