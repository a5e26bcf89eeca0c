using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using AspireSse.Client.Connecting;
using AspireSse.Client.Reading;

namespace AspireSse.Client;

/// <summary>
/// A stream of events that reconnects. Enumerating it connects; when the connection ends, breaks or falls silent, it
/// waits, reconnects with the last id and continues.
/// </summary>
/// <remarks>
/// <para>Order: as sent by the server. Each event is delivered once per time the server sent it; the server's resume
/// makes this exactly once.</para>
/// <para>The enumeration ends when the server answers 204, or when a request that must not be repeated (a POST without
/// ids) has ended regularly. It throws <see cref="SseException"/> when the server refuses (4xx except 408, 425 and 429,
/// another content type) or the retries are exhausted, <see cref="OperationCanceledException"/> when its token is
/// cancelled, and <see cref="ObjectDisposedException"/> when its client is disposed.</para>
/// <para>Supports one enumeration at a time; a later one resumes after <see cref="LastEventId"/>. The properties may be
/// read from any thread.</para>
/// </remarks>
[SuppressMessage(
    "Naming",
    "CA1711:Identifiers should not have incorrect suffix",
    Justification = "The standard calls it an event stream."
)]
public sealed class SseStream : IAsyncEnumerable<SseEvent>
{
    private readonly SseClient _client;
    private readonly SseClientOptions _options;
    private readonly Connector _connector;
    private readonly StreamTelemetry _telemetry;
    private readonly Cursor _cursor;
    private volatile SseStreamState _state;
    private int _reading;

    internal SseStream(SseClient client, SseRequest request, SseClientOptions options)
    {
        _client = client;
        _options = options;
        _connector = new Connector(client, request);
        _telemetry = new StreamTelemetry(_connector.Address);
        _cursor = new Cursor(request.LastEventId);
    }

    /// <summary>
    /// The id to resume after: of the last delivered event, or of a later frame with only an id. Store it once the
    /// event is processed; a later stream with it as <see cref="SseRequest.LastEventId"/> misses nothing.
    /// </summary>
    public string LastEventId => _cursor.LastEventId;

    /// <summary>The current state.</summary>
    public SseStreamState State => _state;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The stream is already being enumerated (thrown by the first
    /// move).</exception>
    public IAsyncEnumerator<SseEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        ReadAsync(cancellationToken).GetAsyncEnumerator(CancellationToken.None);

    private async IAsyncEnumerable<SseEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
            throw new InvalidOperationException(
                "The stream is already being read. Open another one for a second reader."
            );
        try
        {
            var retries = new Retries(_options.MaxRetries);
            while (true)
            {
                var connection = Connect(cancellationToken);
                using (connection)
                {
                    var reached = await connection.OpenAsync(retries.Failures).ConfigureAwait(false);
                    if (reached == ConnectionState.EndedForGood)
                        yield break;

                    if (reached == ConnectionState.Open)
                        _state = SseStreamState.Open;

                    while (reached == ConnectionState.Open)
                    {
                        // Here, since an iterator cannot yield inside a try with a catch, and another method would
                        // cost every event.
                        SseEvent? received = null;
                        try
                        {
                            received = await connection.NextAsync().ConfigureAwait(false);
                        }
                        catch (Exception broken) when (Connection.IsOfTheNetwork(broken))
                        {
                            connection.Break(broken);
                        }

                        if (received is null)
                            break;
                        if (received.IsPosition)
                            continue;

                        Count(received, retries);

                        if (!await HandleAsync(received, cancellationToken).ConfigureAwait(false))
                            yield return received;
                    }

                    if (!MayGoOn(reached, connection.Failure) || !retries.MayFollow(connection))
                        yield break;
                }

                await WaitAsync(retries.Failures, connection.Failure, connection.RetryAfter, cancellationToken)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            _state = SseStreamState.Closed;
            Volatile.Write(ref _reading, 0);
        }
    }

    private Connection Connect(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _client.ThrowIfDisposed();
        _state = SseStreamState.Connecting;
        return new Connection(_client, _connector, _cursor, _options, _telemetry, cancellationToken);
    }

    private void Count(SseEvent received, Retries retries)
    {
        retries.Received(received);
        if (received.Unauthorized?.Reason == "replaced")
            _connector.LoseTicket();
        _telemetry.Received();
    }

    /// <summary>Returns false if the stream is over. Throws if it failed and cannot be resumed.</summary>
    private bool MayGoOn(ConnectionState reached, SseException? failure)
    {
        var may =
            reached == ConnectionState.Open
                ? _connector.MayResume(LastEventId)
                : _connector.MayResend(LastEventId, failure!);
        return may || failure is null ? may : throw failure;
    }

    private async Task WaitAsync(
        int failures,
        SseException? failure,
        TimeSpan? retryAfter,
        CancellationToken cancellationToken
    )
    {
        _state = SseStreamState.Waiting;
        var delay = ReconnectDelay.Next(_options, failures, _cursor.Retry, retryAfter, Random.Shared.NextDouble());
        _telemetry.Reconnecting(failure);
        _options.OnReconnecting?.Invoke(new SseReconnect(failures, delay, failure));

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _client.Disposed);
        try
        {
            await Task.Delay(delay, _client.Clock, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _client.ThrowIfDisposed();
            throw;
        }
    }

    private async ValueTask<bool> HandleAsync(SseEvent received, CancellationToken cancellationToken)
    {
        switch (received.Type)
        {
            case "connected" when _options.OnConnected is { } handle && received.Connected is { } connected:
                await handle(connected, cancellationToken).ConfigureAwait(false);
                return true;
            case "resync" when _options.OnResync is { } handle && received.Resync is { } resync:
                await handle(resync, cancellationToken).ConfigureAwait(false);
                return true;
            case "skipped" when _options.OnSkipped is { } handle && received.Skipped is { } skipped:
                await handle(skipped, cancellationToken).ConfigureAwait(false);
                return true;
            default:
                return false;
        }
    }
}

/// <summary>The state of a stream.</summary>
public enum SseStreamState
{
    /// <summary>Not enumerated yet.</summary>
    Idle,

    /// <summary>The request was sent.</summary>
    Connecting,

    /// <summary>Connected; events can arrive.</summary>
    Open,

    /// <summary>Waiting to reconnect.</summary>
    Waiting,

    /// <summary>Ended, or no longer enumerated.</summary>
    Closed,
}
