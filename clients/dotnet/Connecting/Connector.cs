using System.Net;
using System.Text;

namespace AspireSse.Client.Connecting;

/// <summary>Sends a stream's request, with the current last id, token and ticket.</summary>
internal sealed class Connector(SseClient client, SseRequest request)
{
    private bool _redirectedToGet;

    /// <summary>The stream's address for spans and metrics. Without the query, which may contain a ticket.</summary>
    public Uri Address { get; } = request.Uri.IsAbsoluteUri ? request.Uri : new(client.Http.BaseAddress!, request.Uri);

    /// <returns>The response. Its request message must be disposed with it.</returns>
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
        // Without validation: typed header values would stay in memory as long as the stream.
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
        try
        {
            return await client
                .Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            // A redirect that HttpClient follows after a POST changes the message's own method.
            _redirectedToGet = message.Method != request.Method;
        }
    }

    /// <summary>
    /// Returns true if the request may be repeated after this failure. An unsafe request without an id may be repeated
    /// only if the server cannot have started it: not after a redirect to a GET.
    /// </summary>
    public bool MayResend(string lastEventId, SseException failure) =>
        MayResume(lastEventId) || !_redirectedToGet && CannotHaveStarted(failure);

    private static bool CannotHaveStarted(SseException failure) =>
        failure.StatusCode
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

    /// <summary>
    /// Returns true if a stream that was open may be requested again: it has an id, or its request is safe to repeat.
    /// </summary>
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
