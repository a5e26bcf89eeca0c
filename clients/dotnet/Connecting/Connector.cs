using System.Net;
using System.Text;

namespace AspireSse.Client.Connecting;

/// <summary>Sends a stream's request: the same one each time, but for last id, token and ticket.</summary>
internal sealed class Connector(SseClient client, SseRequest request)
{
    /// <summary>Where the stream is, for spans and metrics: without the query, which may hold a ticket.</summary>
    public Uri Address { get; } = request.Uri.IsAbsoluteUri ? request.Uri : new(client.Http.BaseAddress!, request.Uri);

    /// <returns>The answer; its request message is to be disposed with it.</returns>
    public async Task<HttpResponseMessage> SendAsync(string lastEventId, CancellationToken cancellationToken)
    {
        var uri = request.Uri;
        if (request.Ticket is not null && await request.Ticket(cancellationToken).ConfigureAwait(false) is { } ticket)
            uri = WithQuery(uri, "ticket", ticket);
        var asHeader = client.SendsUtf8Headers || Ascii.IsValid(lastEventId);
        if (!asHeader)
            uri = WithQuery(uri, "last_event_id", lastEventId);

        var message = new HttpRequestMessage(request.Method, uri)
        {
            Content = request.Content?.Invoke(),
            Version = client.Http.DefaultRequestVersion,
            VersionPolicy = client.Http.DefaultVersionPolicy,
        };
        // As text: typed header values stay in memory as long as the stream.
        message.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        message.Headers.TryAddWithoutValidation("Cache-Control", "no-cache, no-store");
        foreach (var (name, value) in request.Headers ?? Nothing)
            message.Headers.TryAddWithoutValidation(name, value);
        if (lastEventId.Length > 0 && asHeader)
            message.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        if (
            request.BearerToken is not null
            && await request.BearerToken(cancellationToken).ConfigureAwait(false) is { } token
        )
            message.Headers.Authorization = new("Bearer", token);
        return await client
            .Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Whether the request may be sent again after this failure. What names no id and is not safe to repeat is, only if
    /// the server
    /// certainly did not begin with it.
    /// </summary>
    public bool MayResend(string lastEventId, SseException failure) =>
        lastEventId.Length > 0
        || request.MayBeResentWithoutId
        || failure.StatusCode
            is HttpStatusCode.RequestTimeout
                or HttpStatusCode.TooManyRequests
                or HttpStatusCode.ServiceUnavailable
        || failure.InnerException
            is HttpRequestException
            {
                HttpRequestError: HttpRequestError.NameResolutionError
                    or HttpRequestError.ConnectionError
                    or HttpRequestError.SecureConnectionError
                    or HttpRequestError.ProxyTunnelError,
            };

    /// <summary>The same for a stream that was open: without an id it can only be begun anew.</summary>
    public bool MayResume(string lastEventId) => lastEventId.Length > 0 || request.MayBeResentWithoutId;

    private static readonly Dictionary<string, string> Nothing = [];

    private static Uri WithQuery(Uri uri, string name, string value)
    {
        var text = uri.OriginalString;
        if (text.IndexOf('#', StringComparison.Ordinal) is >= 0 and var fragment)
            text = text[..fragment];
        return new Uri(
            $"{text}{(text.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{name}={Uri.EscapeDataString(value)}",
            UriKind.RelativeOrAbsolute
        );
    }
}
