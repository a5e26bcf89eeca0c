using System.Net.Http.Headers;

namespace AspireSse.Testing;

/// <summary>Opens event streams in tests.</summary>
public static class EventStreamReaderExtensions
{
    /// <summary>Opens an event stream, and resumes it after an id if there is one.</summary>
    /// <param name="client">A client of the application, such as that of <c>WebApplicationFactory</c> or of
    /// <c>DistributedApplication</c>.</param>
    /// <param name="uri">The stream.</param>
    /// <param name="lastEventId">The id after which it resumes (HTML Living Standard §9.2.4), or null for its
    /// beginning.</param>
    /// <param name="patience">Time for all that is read, or null for 30 s.</param>
    /// <exception cref="HttpRequestException">The answer is no event stream; the message has its status and
    /// body.</exception>
    public static async Task<EventStreamReader> OpenEventStreamAsync(
        this HttpClient client,
        string uri,
        string? lastEventId = null,
        TimeSpan? patience = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastEventId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);

        var limit = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(30));
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        if (response is { IsSuccessStatusCode: true, Content.Headers.ContentType.MediaType: "text/event-stream" })
            return new EventStreamReader(response, await response.Content.ReadAsStreamAsync(limit.Token), limit);

        using (limit)
        using (response)
            throw new HttpRequestException(
                $"{uri} answered {(int)response.StatusCode} instead of an event stream: "
                    + await response.Content.ReadAsStringAsync(limit.Token),
                inner: null,
                response.StatusCode
            );
    }
}
