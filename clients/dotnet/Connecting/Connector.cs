using System.Net;
using System.Text;

namespace AspireSse.Client.Connecting;

/// <summary>Sends a stream's request, with the current last id, token and ticket.</summary>
internal sealed class Connector(SseClient client, SseRequest request)
{
    private const string LastEventId = "Last-Event-ID";

    private const string TicketTaken = "Another connection uses the ticket. Each stream needs its own.";

    // For the latest request:
    private bool _sent; // the server may have it
    private bool _redirectedToGet;
    private string? _ticket;
    private bool _ticketTaken; // by another connection

    /// <summary>The stream's address for spans and metrics. Without the query, which may contain a ticket.</summary>
    public Uri Address { get; } = request.Uri.IsAbsoluteUri ? request.Uri : new(client.Http.BaseAddress!, request.Uri);

    /// <summary>Records that another connection has taken over the ticket, which is then not sent again.</summary>
    public void LoseTicket() => _ticketTaken = true;

    /// <summary>Sends the request, and once more after a 401 if functions return its credentials.</summary>
    /// <returns>The response. Its request message must be disposed with it.</returns>
    /// <exception cref="SseException">The ticket belongs to another connection now, or a header cannot be
    /// sent.</exception>
    public async Task<HttpResponseMessage> SendAsync(string lastEventId, CancellationToken cancellationToken)
    {
        var response = await SendOnceAsync(lastEventId, cancellationToken).ConfigureAwait(false);
        var mayRenew = request.BearerToken is not null || request.Ticket is not null;
        if (response.StatusCode != HttpStatusCode.Unauthorized || !mayRenew)
            return response;
        if (_redirectedToGet && !MayResume(lastEventId))
            return response;

        response.RequestMessage?.Dispose();
        response.Dispose();
        return await SendOnceAsync(lastEventId, cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(string lastEventId, CancellationToken cancellationToken)
    {
        _sent = false;
        _redirectedToGet = false;

        var ticket = await CallAsync(request.Ticket, cancellationToken).ConfigureAwait(false);
        if (_ticketTaken && ticket == _ticket)
            throw new SseException(SseError.Rejected, TicketTaken, null, HttpStatusCode.Unauthorized);

        _ticket = ticket;
        _ticketTaken = false;

        var token = await CallAsync(request.BearerToken, cancellationToken).ConfigureAwait(false);

        var sent = new RedirectedRequest(client.Http, AddressOf(lastEventId, ticket), request.Method);
        _sent = true;

        try
        {
            return await sent.SendAsync(target => CreateMessage(target, lastEventId, token), cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            _redirectedToGet = sent.Method != request.Method;
        }
    }

    /// <summary>Calls a function of the request. If it fails, the attempt has failed and nothing was sent.</summary>
    private static async ValueTask<string?> CallAsync(
        Func<CancellationToken, ValueTask<string?>>? credential,
        CancellationToken cancellationToken
    )
    {
        if (credential is null)
            return null;
        try
        {
            // A function that ignores its token must not outlive the attempt.
            return await credential(cancellationToken).AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"The request has no token or ticket: {e.Message}", e);
        }
    }

    private Uri AddressOf(string lastEventId, string? ticket)
    {
        var uri = ticket is null ? request.Uri : WithQuery(request.Uri, "ticket", ticket);
        return IsHeader(lastEventId) ? uri : WithQuery(uri, "last_event_id", lastEventId);
    }

    private bool IsHeader(string value) => client.SendsUtf8Headers || Ascii.IsValid(value);

    private HttpRequestMessage CreateMessage(RequestTarget target, string lastEventId, string? token)
    {
        var message = new HttpRequestMessage(target.Method, target.Uri)
        {
            Content = target.HasBody ? request.Content?.Invoke() : null,
            Version = client.Http.DefaultRequestVersion,
            VersionPolicy = client.Http.DefaultVersionPolicy,
        };
        Add(message, "Accept", "text/event-stream");
        Add(message, "Cache-Control", "no-cache, no-store");

        if (lastEventId.Length > 0 && IsHeader(lastEventId))
            Add(message, LastEventId, lastEventId);
        if (!target.IsOwnOrigin)
            return message;

        foreach (var (name, value) in request.Headers ?? Nothing)
            if (lastEventId.Length == 0 || !name.Equals(LastEventId, StringComparison.OrdinalIgnoreCase))
                Replace(message, name, value);
        if (token is not null)
            Add(message, "Authorization", $"Bearer {token}");

        return message;
    }

    /// <inheritdoc cref="Add"/>
    private void Replace(HttpRequestMessage message, string name, string value)
    {
        if (message.Headers.NonValidated.Contains(name))
            message.Headers.Remove(name);
        Add(message, name, value);
    }

    /// <exception cref="SseException">The value cannot be sent (RFC 9110 §5.5), now or later.</exception>
    private void Add(HttpRequestMessage message, string name, string value)
    {
        if (value.AsSpan().ContainsAny('\r', '\n', '\0') || !IsHeader(value))
            throw new SseException(
                SseError.Rejected,
                $"The header {name} has a character that cannot be sent.",
                null,
                null
            );

        // Without validation: typed header values would stay in memory as long as the stream.
        message.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>
    /// Returns true if the request may be repeated after this failure. An unsafe request without an id may be repeated
    /// only if the server cannot have started it: not after a redirect to a GET.
    /// </summary>
    public bool MayResend(string lastEventId, SseException failure) =>
        MayResume(lastEventId) || !_sent || !_redirectedToGet && CannotHaveStarted(failure);

    private static bool CannotHaveStarted(SseException failure) =>
        (int?)failure.StatusCode is 408 or 425 or 429 or 503
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
