using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse.Client;

/// <summary>The request of a stream, sent at each connection. Immutable; one instance may serve many streams.</summary>
public sealed record SseRequest
{
    /// <summary>Creates a GET request.</summary>
    /// <param name="uri">Absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</param>
    public SseRequest(string uri)
        : this(new Uri(uri, UriKind.RelativeOrAbsolute)) { }

    /// <inheritdoc cref="SseRequest(string)"/>
    public SseRequest(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        Uri = uri;
    }

    /// <summary>The address: absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</summary>
    public Uri Uri { get; }

    /// <summary>The method; GET by default.</summary>
    public HttpMethod Method { get; init; } = HttpMethod.Get;

    /// <summary>Creates the body. Called for each connection; must return the same body each time.</summary>
    public Func<HttpContent>? Content { get; init; }

    /// <summary>
    /// The id to resume after, as stored from <see cref="SseStream.LastEventId"/>; empty for a fresh start.
    /// </summary>
    public string LastEventId { get; init; } = "";

    /// <summary>Additional headers, sent at each connection. Redirects to another origin drop them, and the stream's
    /// own last id replaces a <c>Last-Event-ID</c>.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>
    /// Called for each connection, and once more after a 401, for the bearer token (RFC 6750). Null sends none.
    /// Redirects to another origin drop the token.
    /// </summary>
    public Func<CancellationToken, ValueTask<string?>>? BearerToken { get; init; }

    /// <summary>
    /// Called for each connection, and once more after a 401, for the value of <c>?ticket=</c>. Null sends none. A
    /// ticket that another connection has taken over is not sent again.
    /// </summary>
    public Func<CancellationToken, ValueTask<string?>>? Ticket { get; init; }

    /// <summary>
    /// Allows the request to be repeated without an event id. Default: true for GET, HEAD, OPTIONS and QUERY, false
    /// for other methods, because a repeated POST would start its work again.
    /// </summary>
    public bool? ResendWithoutId { get; init; }

    /// <summary>Creates a POST with a JSON body, sent again with the last id at each reconnection.</summary>
    public static SseRequest PostJson<T>(string uri, T body, JsonTypeInfo<T> type) =>
        Post(uri, JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>
    /// Creates a POST with a JSON body by reflection, with web defaults (camelCase) if <paramref name="options"/> is
    /// null.
    /// </summary>
    [
        RequiresUnreferencedCode("Uses reflection. Pass a JsonTypeInfo in trimmed applications."),
        RequiresDynamicCode("Uses reflection. Pass a JsonTypeInfo with ahead-of-time compilation.")
    ]
    public static SseRequest PostJson<T>(string uri, T body, JsonSerializerOptions? options = null) =>
        Post(uri, JsonSerializer.SerializeToUtf8Bytes(body, options ?? JsonSerializerOptions.Web));

    private static SseRequest Post(string uri, byte[] json) =>
        new(uri) { Method = HttpMethod.Post, Content = () => JsonContent(json) };

    internal static ByteArrayContent JsonContent(byte[] json) =>
        new(json) { Headers = { ContentType = new("application/json") } };

    // Safe methods (RFC 9110 §9.2.1) and QUERY.
    internal bool MayBeResentWithoutId => ResendWithoutId ?? (Method.Method is "GET" or "HEAD" or "OPTIONS" or "QUERY");

    internal void Validate(Uri? baseAddress)
    {
        if (!Uri.IsAbsoluteUri && baseAddress is null)
            throw new ArgumentException($"'{Uri}' is relative, and the HttpClient has no BaseAddress.");
        if (LastEventId is null || LastEventId.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new ArgumentException("A last event id must not be null or contain CR, LF or NUL.");
    }
}
