namespace ServiceDefaults.Http;

/// <summary>Which outgoing requests are streams: long on purpose, and resumed by whoever reads them.</summary>
public static class StreamRequests
{
    private static readonly HttpRequestOptionsKey<bool> Marker = new("AspireSse.Stream");

    /// <summary>
    /// Marks a request whose answer is a stream though it does not ask for <c>text/event-stream</c> (newline-delimited
    /// JSON, a model's
    /// tokens): it is then neither timed out nor retried.
    /// </summary>
    /// <returns>The same request.</returns>
    public static HttpRequestMessage AsStream(this HttpRequestMessage request)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Options.Set(Marker, true);
        return request;
    }

    internal static bool IsStream(HttpRequestMessage request) =>
        request.Options.TryGetValue(Marker, out var marked) && marked
        || request.Headers.Accept.Any(a =>
            string.Equals(a.MediaType, "text/event-stream", StringComparison.OrdinalIgnoreCase)
        );
}
