namespace AspireSse.Client;

/// <summary>
/// Opens event streams (HTML Living Standard §9.2) that reconnect, resume and detect silent connections. Create one and
/// keep it: it serves any number of streams. Thread-safe.
/// </summary>
public sealed class SseClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly bool _ownsHttp;
    private readonly CancellationTokenSource _disposal = new();

    /// <summary>
    /// Creates a client with its own connections: no timeout, no connection limit, HTTP/2 if the server offers it over
    /// TLS.
    /// </summary>
    /// <param name="clock">Clock for delays and the watchdog; the system clock if null.</param>
    public SseClient(TimeProvider? clock = null)
        : this(StreamingHandler.CreateClient(), clock) => _ownsHttp = true;

    /// <summary>Creates a client on the caller's <see cref="HttpClient"/>, which it does not dispose.</summary>
    /// <param name="http">Preferably built on <see cref="CreateHandler"/>. Its <see cref="HttpClient.Timeout"/> must be
    /// infinite. A handler that follows redirects itself sends all headers but <c>Authorization</c> to any origin: set
    /// its <see cref="SocketsHttpHandler.AllowAutoRedirect"/> to false.</param>
    /// <param name="clock">Clock for delays and the watchdog; the system clock if null.</param>
    /// <exception cref="ArgumentException">The timeout is finite and would end open streams.</exception>
    public SseClient(HttpClient http, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        if (http.Timeout != Timeout.InfiniteTimeSpan)
            throw new ArgumentException(
                $"HttpClient.Timeout is {http.Timeout} and would end open streams. Set it to Timeout.InfiniteTimeSpan; "
                    + "SseClientOptions.IdleTimeout detects silent connections.",
                nameof(http)
            );

        _http = http;
        Clock = clock ?? TimeProvider.System;
        Watchdog = new Reading.IdleWatchdog(Clock);
        Disposed = _disposal.Token;
    }

    internal TimeProvider Clock { get; }

    internal Reading.IdleWatchdog Watchdog { get; }

    internal HttpClient Http => _http;

    /// <summary>Cancelled by <see cref="Dispose"/>.</summary>
    internal CancellationToken Disposed { get; }

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Disposed.IsCancellationRequested, this);

    /// <summary>
    /// True if the handler sends <c>Last-Event-ID</c> as UTF-8 (§9.2.3); only our own handler is known to.
    /// </summary>
    internal bool SendsUtf8Headers => _ownsHttp;

    /// <summary>
    /// Creates the default handler, as a base for other handlers. It has no connection limit and no cookies, leaves
    /// redirects to the client, closes the connection of an abandoned stream at once, renews idle connections after
    /// five minutes, and pings HTTP/2 connections, so that a dead one is closed.
    /// </summary>
    public static SocketsHttpHandler CreateHandler() => StreamingHandler.Create();

    /// <summary>Opens a stream with GET. The request is sent when the stream is enumerated.</summary>
    /// <param name="uri">Absolute, or relative to the <see cref="HttpClient.BaseAddress"/>.</param>
    /// <param name="options">Times and limits; defaults if null.</param>
    public SseStream Open(string uri, SseClientOptions? options = null) => Open(new SseRequest(uri), options);

    /// <summary>Opens a stream. The request is sent when the stream is enumerated.</summary>
    /// <exception cref="ArgumentException">An option is out of range, the address is relative without a base address,
    /// or the last id contains CR, LF or NUL.</exception>
    public SseStream Open(SseRequest request, SseClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        options ??= SseClientOptions.Default;
        options.Validate();
        request.Validate(_http.BaseAddress);
        return new SseStream(this, request, options);
    }

    /// <summary>
    /// Ends the client's streams: their loops throw <see cref="ObjectDisposedException"/>. Does not dispose a caller's
    /// <see cref="HttpClient"/>.
    /// </summary>
    public void Dispose()
    {
        if (Disposed.IsCancellationRequested)
            return;
        _disposal.Cancel();
        _disposal.Dispose();
        if (_ownsHttp)
            _http.Dispose();
    }
}
