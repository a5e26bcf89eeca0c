using System.Net.Http.Headers;

namespace AspireSse.Testing;

/// <summary>Opens event streams in tests.</summary>
/// <remarks>Needed in tests that read an application's streams through an <see cref="HttpClient"/>.</remarks>
public static class EventStreamReaderExtensions
{
    /// <summary>Opens an event stream, and resumes it after an id if one is given.</summary>
    /// <param name="client">A client of the application, such as that of <c>WebApplicationFactory</c> or of
    /// <c>DistributedApplication</c>.</param>
    /// <param name="uri">The stream.</param>
    /// <param name="lastEventId">The id after which the stream resumes (HTML Living Standard §9.2.4), or null for its
    /// beginning.</param>
    /// <param name="patience">Time for all reads of the stream together, or null for 30 s.</param>
    /// <exception cref="HttpRequestException">The answer is no event stream; the message has its status and
    /// body.</exception>
    /// <exception cref="TimeoutException">No answer came in time, or an answer that is no event stream did not end in
    /// time.</exception>
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
        HttpResponseMessage? response = null;
        try
        {
            response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response is { IsSuccessStatusCode: true, Content.Headers.ContentType.MediaType: "text/event-stream" })
                return new EventStreamReader(response, await response.Content.ReadAsStreamAsync(limit.Token), limit);

            using (limit)
            using (response)
                throw new HttpRequestException(
                    $"{Refused(uri, response)}: " + await response.Content.ReadAsStringAsync(limit.Token),
                    inner: null,
                    response.StatusCode
                );
        }
        catch (OperationCanceledException e)
            when (limit.IsCancellationRequested || e.InnerException is TimeoutException)
        {
            throw new TimeoutException(
                response is null
                    ? $"{uri} has not answered in time."
                    : $"{Refused(uri, response)}, and its body did not end in time.",
                e
            );
        }
        catch (HttpRequestException e) when (response is not null && e.StatusCode is null)
        {
            throw new HttpRequestException(
                $"{Refused(uri, response)}, and its body broke off.",
                e,
                response.StatusCode
            );
        }
    }

    private static string Refused(string uri, HttpResponseMessage response) =>
        $"{uri} answered {(int)response.StatusCode} with {response.Content.Headers.ContentType?.MediaType ?? "no type"}"
        + " instead of an event stream";
}
