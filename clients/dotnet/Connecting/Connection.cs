using System.Diagnostics;
using System.Net;
using AspireSse.Client.Reading;

namespace AspireSse.Client.Connecting;

/// <summary>The result of opening a connection.</summary>
internal enum ConnectionState
{
    Open,
    Refused,
    EndedForGood,
}

/// <summary>One connection attempt and, if it succeeds, its stream.</summary>
internal sealed class Connection : IDisposable
{
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(5);

    private readonly SseClient _client;
    private readonly Connector _connector;
    private readonly Cursor _cursor;
    private readonly SseClientOptions _options;
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _cancellation;
    private readonly IdleWatch? _watch;
    private readonly StreamTelemetry _telemetry;
    private HttpResponseMessage? _response;
    private EventReader? _reader;
    private long _openedAt;

    public Connection(
        SseClient client,
        Connector connector,
        Cursor cursor,
        SseClientOptions options,
        StreamTelemetry telemetry,
        CancellationToken caller
    )
    {
        _client = client;
        _connector = connector;
        _cursor = cursor;
        _options = options;
        _telemetry = telemetry;
        _caller = caller;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(caller, client.Disposed);
        _watch = client.Watchdog.Watch(options.IdleTimeout, _cancellation);
    }

    /// <summary>The failure, or null if the server ended the stream regularly.</summary>
    public SseException? Failure { get; private set; }

    /// <summary>The server's <c>Retry-After</c>.</summary>
    public TimeSpan? RetryAfter { get; private set; }

    /// <summary>True if the stream was open for long enough to count as a success even without an event, unless it
    /// fell silent.</summary>
    public bool WasStable =>
        _reader is not null && _client.Clock.GetElapsedTime(_openedAt) > Stable && Failure?.Error != SseError.Silent;

    /// <exception cref="SseException">The server refused the request, and a retry would not help.</exception>
    public async Task<ConnectionState> OpenAsync(int attempt)
    {
        using var span = _telemetry.StartConnect(attempt, resumes: _cursor.LastEventId.Length > 0);
        try
        {
            var state = await SendAsync(span).ConfigureAwait(false);
            StreamTelemetry.Finish(span, Failure);
            return state;
        }
        catch (SseException e)
        {
            StreamTelemetry.Finish(span, e);
            throw;
        }
    }

    private async Task<ConnectionState> SendAsync(Activity? span)
    {
        try
        {
            _watch?.Begin();
            _response = await _connector.SendAsync(_cursor.LastEventId, _cancellation.Token).ConfigureAwait(false);
            span?.SetTag("http.response.status_code", (int)_response.StatusCode);

            if (_response.StatusCode == HttpStatusCode.NoContent)
                return ConnectionState.EndedForGood;

            if (_response.StatusCode != HttpStatusCode.OK)
                return await RefusedAsync(_response).ConfigureAwait(false);

            var contentType = _response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values)
                ? values.ToString()
                : "";

            if (!IsEventStream(contentType))
                throw new SseException(
                    SseError.WrongContentType,
                    $"The content type is '{contentType}', not text/event-stream.",
                    null,
                    _response.StatusCode
                );

            var body = await _response.Content.ReadAsStreamAsync(_cancellation.Token).ConfigureAwait(false);
            _reader = new EventReader(body, _cursor, _watch, _options.MaxEventBytes, _cancellation.Token);
            _openedAt = _client.Clock.GetTimestamp();
            _telemetry.Opened();

            return ConnectionState.Open;
        }
        catch (Exception e) when (IsOfTheNetwork(e))
        {
            Break(e);
            return ConnectionState.Refused;
        }
        finally
        {
            _watch?.Pause();
        }
    }

    private async Task<ConnectionState> RefusedAsync(HttpResponseMessage response)
    {
        var problem = await Problems.ReadAsync(response, _client.Clock, _cancellation.Token).ConfigureAwait(false);
        var transient = Problems.IsTransient(response.StatusCode);
        var failure = new SseException(
            transient ? SseError.Unavailable : SseError.Rejected,
            Problems.Describe(response, problem),
            null,
            response.StatusCode,
            problem
        );

        if (!transient)
            throw failure;

        Failure = failure;
        RetryAfter = Problems.RetryAfter(response, _client.Clock);
        return ConnectionState.Refused;
    }

    /// <summary>
    /// Returns the next event, or null at the regular end. The caller passes network exceptions (<see
    /// cref="IsOfTheNetwork"/>) to <see cref="Break"/>.
    /// </summary>
    public ValueTask<SseEvent?> NextAsync()
    {
        // Buffered events are not delivered after cancellation.
        _caller.ThrowIfCancellationRequested();
        _client.ThrowIfDisposed();
        return _reader!.NextAsync();
    }

    /// <summary>Records the exception that ended the connection as its <see cref="Failure"/>.</summary>
    /// <exception cref="OperationCanceledException">The caller has cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public void Break(Exception exception) => Failure = Translate(exception);

    // Ignores parameters: the charset is always UTF-8.
    private static bool IsEventStream(ReadOnlySpan<char> contentType)
    {
        var end = contentType.IndexOf(';');
        return (end < 0 ? contentType : contentType[..end])
            .Trim()
            .Equals("text/event-stream", StringComparison.OrdinalIgnoreCase);
    }

    public static bool IsOfTheNetwork(Exception exception) =>
        exception is HttpRequestException or IOException or OperationCanceledException or TimeoutException;

    private SseException Translate(Exception exception)
    {
        if (_caller.IsCancellationRequested)
            throw new OperationCanceledException("Reading the stream was cancelled.", exception, _caller);
        _client.ThrowIfDisposed();
        if (_watch is { Expired: true })
            return new SseException(
                SseError.Silent,
                $"No event and no heartbeat arrived for {_options.IdleTimeout} (SseClientOptions.IdleTimeout).",
                exception
            );

        return new SseException(SseError.Disconnected, exception.Message, exception);
    }

    public void Dispose()
    {
        _watch?.Dispose();
        // Before the reader, so that a pending read ends and returns its buffer.
        _response?.RequestMessage?.Dispose();
        _response?.Dispose();

        if (_reader is not null)
        {
            _reader.Dispose();
            _telemetry.Closed(_client.Clock.GetElapsedTime(_openedAt), Failure);
        }

        _cancellation.Dispose();
    }
}
