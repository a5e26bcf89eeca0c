using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse.Client;

/// <summary>What is asked of the server, at every connect anew. Immutable; one instance may serve many
/// streams.</summary>
public sealed record SseRequest
{
    /// <summary>A request for a stream.</summary>
    /// <param name="uri">Absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</param>
    public SseRequest(string uri)
        : this(new Uri(uri, UriKind.RelativeOrAbsolute)) { }

    /// <inheritdoc cref="SseRequest(string)"/>
    public SseRequest(Uri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        Uri = uri;
    }

    /// <summary>Absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</summary>
    public Uri Uri { get; }

    /// <summary>GET where nothing is said.</summary>
    public HttpMethod Method { get; init; } = HttpMethod.Get;

    /// <summary>Makes the body. Called at each connect, for a body is sent again at each: it must be the same
    /// one.</summary>
    public Func<HttpContent>? Content { get; init; }

    /// <summary>The id to start after, as kept from <see cref="SseStream.LastEventId"/>; empty for a fresh
    /// start.</summary>
    public string LastEventId { get; init; } = "";

    /// <summary>Further headers, sent at each connect.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>Asked at each connect for the bearer token (RFC 6750); null sends none. Redirects do not carry
    /// it.</summary>
    public Func<CancellationToken, ValueTask<string?>>? BearerToken { get; init; }

    /// <summary>Asked at each connect for the ticket to send as <c>?ticket=</c>; null sends none.</summary>
    public Func<CancellationToken, ValueTask<string?>>? Ticket { get; init; }

    /// <summary>
    /// Whether the request may be sent again though no event id is known: yes for GET and QUERY, no for others unless
    /// said here. A POST
    /// without an id would start its work a second time; with one it resumes what the id names.
    /// </summary>
    public bool? ResendWithoutId { get; init; }

    /// <summary>A POST with a JSON body, resent at each reconnect with the last id.</summary>
    public static SseRequest PostJson<T>(string uri, T body, JsonTypeInfo<T> type) =>
        Post(uri, JsonSerializer.SerializeToUtf8Bytes(body, type));

    /// <summary>The same by reflection; with the web defaults (camelCase) where <paramref name="options"/> is
    /// null.</summary>
    [
        RequiresUnreferencedCode("Writes by reflection. Where code is trimmed, give a JsonTypeInfo."),
        RequiresDynamicCode("Writes by reflection. Ahead of time, give a JsonTypeInfo.")
    ]
    public static SseRequest PostJson<T>(string uri, T body, JsonSerializerOptions? options = null) =>
        Post(uri, JsonSerializer.SerializeToUtf8Bytes(body, options ?? JsonSerializerOptions.Web));

    private static SseRequest Post(string uri, byte[] json) =>
        new(uri) { Method = HttpMethod.Post, Content = () => JsonContent(json) };

    internal static ByteArrayContent JsonContent(byte[] json) =>
        new(json) { Headers = { ContentType = new("application/json") } };

    // RFC 9110 §9.2.1, and QUERY: safe to repeat.
    internal bool MayBeResentWithoutId => ResendWithoutId ?? (Method.Method is "GET" or "HEAD" or "OPTIONS" or "QUERY");

    internal void Validate(Uri? baseAddress)
    {
        if (!Uri.IsAbsoluteUri && baseAddress is null)
            throw new ArgumentException($"'{Uri}' is relative and the HttpClient has no BaseAddress.");
        if (LastEventId is null || LastEventId.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new ArgumentException("A last event id cannot be null or hold CR, LF or NUL.");
    }
}
