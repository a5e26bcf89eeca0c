namespace AspireSse.Client;

/// <summary>
/// Opens event streams (HTML Living Standard §9.2) that resume, reconnect and notice silence. Make one and keep it: it
/// serves any number
/// of streams, and all its members are safe to call from many threads at once.
/// </summary>
public sealed class SseClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly bool _ownsHttp;

    /// <summary>A client with connections of its own: no timeout, no limit on connections, HTTP/2 where the server
    /// offers it over TLS.</summary>
    /// <param name="clock">Measures delays and silence; the system's where null.</param>
    public SseClient(TimeProvider? clock = null)
        : this(StreamingHandler.CreateClient(), clock) => _ownsHttp = true;

    /// <summary>A client that uses the caller's <see cref="HttpClient"/> (base address, handlers, default headers) and
    /// does not dispose it.</summary>
    /// <param name="http">Best made over <see cref="CreateHandler"/>. Its <see cref="HttpClient.Timeout"/> must be
    /// infinite.</param>
    /// <param name="clock">Measures delays and silence; the system's where null.</param>
    /// <exception cref="ArgumentException">The timeout is finite: it would end requests whose answer is slow on
    /// purpose.</exception>
    public SseClient(HttpClient http, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Timeout != Timeout.InfiniteTimeSpan)
        {
            throw new ArgumentException(
                $"HttpClient.Timeout is {http.Timeout}; a stream must not time out. Set it to Timeout.InfiniteTimeSpan: silence is noticed by SseOptions.IdleTimeout.",
                nameof(http)
            );
        }
        _http = http;
        Clock = clock ?? TimeProvider.System;
        Watchdog = new Reading.IdleWatchdog(Clock);
    }

    internal TimeProvider Clock { get; }

    internal Reading.IdleWatchdog Watchdog { get; }

    internal HttpClient Http => _http;

    /// <summary>Only our own handler is known to send a header's UTF-8 (§9.2.3 asks it of
    /// <c>Last-Event-ID</c>).</summary>
    internal bool SendsUtf8Headers => _ownsHttp;

    /// <summary>
    /// The handler this client uses by default, to build others upon: connections without limit, closed at once when a
    /// stream is left,
    /// renewed after five minutes when not in use, no cookies, redirects followed.
    /// </summary>
    public static SocketsHttpHandler CreateHandler() => StreamingHandler.Create();

    /// <summary>A stream by GET. Nothing is sent until it is enumerated.</summary>
    /// <param name="uri">Absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</param>
    /// <param name="options">Times and limits; the defaults where null.</param>
    public SseStream Open(string uri, SseOptions? options = null) => Open(new SseRequest(uri), options);

    /// <summary>A stream. Nothing is sent until it is enumerated.</summary>
    /// <exception cref="ArgumentException">An option out of range, a relative address without a base, a last id with
    /// CR, LF or NUL.</exception>
    public SseStream Open(SseRequest request, SseOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        options ??= SseOptions.Default;
        options.Validate();
        request.Validate(_http.BaseAddress);
        return new SseStream(this, request, options);
    }

    /// <summary>Closes the client's own connections; streams still being read then end with an error. Not the caller's
    /// <see cref="HttpClient"/>.</summary>
    public void Dispose()
    {
        if (_ownsHttp)
            _http.Dispose();
    }
}
