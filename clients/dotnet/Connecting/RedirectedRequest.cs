namespace AspireSse.Client.Connecting;

/// <summary>The next request of a chain of redirects.</summary>
/// <param name="Uri">Its absolute address.</param>
/// <param name="Method">Its method.</param>
/// <param name="HasBody">False after a redirect that made it a GET.</param>
/// <param name="IsOwnOrigin">False once a redirect has led to another origin: it gets no header of the caller.</param>
internal readonly record struct RequestTarget(Uri Uri, HttpMethod Method, bool HasBody, bool IsOwnOrigin)
{
    /// <summary>Returns the target of a redirect (Fetch standard, HTTP-redirect fetch), or null for other
    /// responses.</summary>
    public RequestTarget? After(HttpResponseMessage response)
    {
        var status = (int)response.StatusCode;
        if (status is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            return null;

        if (!Uri.TryCreate(Uri, location, out var uri))
            return null;

        var isWeb = uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && Uri.Scheme == uri.Scheme);
        if (!isWeb)
            return null;

        var becomesGet = status == 303 ? Method != HttpMethod.Head : status < 303 && Method == HttpMethod.Post;
        var isSameOrigin =
            Uri.Compare(
                Uri,
                uri,
                UriComponents.SchemeAndServer,
                UriFormat.SafeUnescaped,
                StringComparison.OrdinalIgnoreCase
            ) == 0;

        return new RequestTarget(
            uri,
            becomesGet ? HttpMethod.Get : Method,
            HasBody && !becomesGet,
            IsOwnOrigin && isSameOrigin
        );
    }
}

/// <summary>
/// A request that follows redirects itself: a handler that follows them (<see
/// cref="SocketsHttpHandler.AllowAutoRedirect"/>) sends the caller's headers, which may be keys, to any origin.
/// </summary>
internal sealed class RedirectedRequest(HttpClient http, Uri uri, HttpMethod method)
{
    private const int MaxRedirects = 20; // as in the Fetch standard

    private RequestTarget _target = new(
        uri.IsAbsoluteUri ? uri : new Uri(http.BaseAddress!, uri),
        method,
        HasBody: true,
        IsOwnOrigin: true
    );

    /// <summary>The method of the latest request.</summary>
    public HttpMethod Method { get; private set; } = method;

    /// <summary>Sends the request, and those to which redirects lead.</summary>
    /// <param name="create">Creates a request; the caller's headers are for the own origin alone.</param>
    /// <param name="cancellationToken">Cancels the requests.</param>
    /// <returns>The response, which is a redirect if it leads nowhere. Its request message must be disposed with
    /// it.</returns>
    public async Task<HttpResponseMessage> SendAsync(
        Func<RequestTarget, HttpRequestMessage> create,
        CancellationToken cancellationToken
    )
    {
        for (var left = MaxRedirects; ; left--)
        {
            var response = await SendOnceAsync(create(_target), cancellationToken).ConfigureAwait(false);
            if (left == 0 || _target.After(response) is not { } next)
                return response;

            _target = next;
            Method = next.Method;
            response.RequestMessage?.Dispose();
            response.Dispose();
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        HttpRequestMessage message,
        CancellationToken cancellationToken
    )
    {
        if (!_target.IsOwnOrigin)
            HideDefaultHeaders(message);
        try
        {
            return await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            // A handler of the caller that follows redirects itself changes the message's own method.
            Method = message.Method;
        }
    }

    /// <summary>Sends the default headers of the caller's <see cref="HttpClient"/> without their values: it adds those
    /// that a message does not have.</summary>
    private void HideDefaultHeaders(HttpRequestMessage message)
    {
        foreach (var header in http.DefaultRequestHeaders.NonValidated)
            if (header.Key == "Host")
                message.Headers.Host = message.RequestUri!.Authority;
            else if (!message.Headers.NonValidated.Contains(header.Key))
                message.Headers.TryAddWithoutValidation(header.Key, "");
    }
}
