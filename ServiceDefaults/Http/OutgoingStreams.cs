namespace ServiceDefaults.Http;

/// <summary>Recognizes outgoing requests for streams, which are long on purpose and resumed by their readers.</summary>
public static class OutgoingStreams
{
    private static readonly HttpRequestOptionsKey<bool> Marker = new("AspireSse.Stream");

    /// <summary>Marks a request for a stream other than <c>text/event-stream</c>: no timeout, no retry.</summary>
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
