using System.Net.ServerSentEvents;

namespace AspireSse.Testing;

/// <summary>An open event stream of a test, read event by event. Comments, heartbeats and events that only carry a
/// position are skipped.</summary>
/// <remarks>Needed in a test of the events that a client gets, such as after a request to the application. Not
/// thread-safe. Dispose the reader to close the connection.</remarks>
public sealed class EventStreamReader : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly IAsyncEnumerator<SseItem<string>> _events;
    private readonly CancellationTokenSource _patience;
    private readonly List<SseItem<string>> _seen = [];
    private Task<SseItem<string>>? _reading;
    private bool _isDisposed;

    internal EventStreamReader(HttpResponseMessage response, Stream body, CancellationTokenSource patience)
    {
        _response = response;
        _patience = patience;
        _events = SseParser.Create(body).EnumerateAsync(patience.Token).GetAsyncEnumerator(patience.Token);
    }

    /// <summary>The status and the headers of the answer.</summary>
    public HttpResponseMessage Response => _response;

    /// <summary>Returns the next event of a type, and skips the events before it.</summary>
    /// <exception cref="TimeoutException">No such event came in time; the message lists the events that
    /// came.</exception>
    /// <exception cref="EndOfStreamException">The stream ended before such an event; the message lists the events that
    /// came.</exception>
    /// <exception cref="IOException">The connection broke; the message lists the events that came.</exception>
    public async Task<SseItem<string>> NextAsync(string type)
    {
        while (true)
        {
            var next = await NextAsync();
            if (next.EventType == type)
                return next;
        }
    }

    /// <summary>Returns the next event, of any type. A stream of the event log begins with <c>connected</c>, unless its
    /// format leaves out the events that a stream sends itself.</summary>
    /// <exception cref="TimeoutException">No event came in time; the message lists the earlier ones.</exception>
    /// <exception cref="EndOfStreamException">The stream ended; the message lists the earlier events.</exception>
    /// <exception cref="IOException">The connection broke; the message lists the earlier events.</exception>
    public Task<SseItem<string>> NextAsync() => _reading = ReadAsync();

    /// <summary>Closes the connection. A call that waits for an event is cancelled.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;

        _isDisposed = true;
        await _patience.CancelAsync();
        // A test that expects no event leaves its read pending, and the enumerator cannot be disposed during a read.
        if (_reading is not null)
            await ((Task)_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        await _events.DisposeAsync();
        _response.Dispose();
        _patience.Dispose();
    }

    private async Task<SseItem<string>> ReadAsync()
    {
        try
        {
            do
            {
                if (!await _events.MoveNextAsync())
                    throw new EndOfStreamException($"The stream ended. {Seen()}");
            } while (IsPosition(_events.Current));
        }
        catch (OperationCanceledException) when (_patience.IsCancellationRequested && !_isDisposed)
        {
            throw new TimeoutException($"No further event came in time. {Seen()}");
        }
        catch (IOException e) when (e is not EndOfStreamException)
        {
            throw new IOException($"The stream broke off ({e.GetBaseException().Message}). {Seen()}", e);
        }

        _seen.Add(_events.Current);
        return _events.Current;
    }

    /// <summary>Returns true for an event that only carries the stream's position.</summary>
    private static bool IsPosition(SseItem<string> item) =>
        item is { EventType: "begin", Data: """{"type":"begin"}""" } or { EventType: "position", Data: "{}" };

    private string Seen() =>
        _seen.Count == 0
            ? "No event came before."
            : "Before it came:\n" + string.Join('\n', _seen.Select(e => $"{e.EventId} {e.EventType} {e.Data}"));
}
