using System.Text.Json;
using Runs;

namespace AspireSse;

/// <summary>A run that this process writes. Appends wait while the store is unavailable, and no event can follow the
/// run's end, even if another process ended the run.</summary>
/// <remarks>Needed by the work of a run, to append its events and to end it. For one caller at a time.</remarks>
public sealed class Run : IDisposable
{
    /// <summary>Type of the event that ends a run whose work is complete.</summary>
    internal const string EndType = "end";

    /// <summary>Type of the event that the store appends when another process takes a run over.</summary>
    internal const string RestartedType = "restarted";

    internal static readonly RunEvent[] Interrupted =
    [
        RunEvent.Failed("The server stopped before the run was complete.", "interrupted"),
    ];

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunAppender _appender;
    private int _stopReason;
    private int _appending;

    /// <param name="name">Its kind and id.</param>
    /// <param name="writer">Id of the lease under which this process writes it.</param>
    /// <param name="after">A position before its events.</param>
    /// <param name="client">The client whose share of the log its events use, together with the client's other
    /// runs.</param>
    /// <param name="appender">Stores its events.</param>
    /// <param name="closingEvents">End it if this process stops or dies.</param>
    internal Run(
        RunName name,
        Guid writer,
        long after,
        string client,
        RunAppender appender,
        IReadOnlyList<RunEvent> closingEvents
    )
    {
        Name = name;
        Writer = writer;
        Known = after;
        Client = client;
        ClosingEvents = closingEvents;
        _appender = appender;
    }

    /// <summary>The topic of its events.</summary>
    public string Topic => Name.Topic;

    /// <summary>1 for the first start of the work, and one more for each time that a process took the run
    /// over.</summary>
    public int Attempt { get; internal init; } = 1;

    internal RunName Name { get; }

    /// <summary>True if another process may start the work again. This process then leaves the run open at its
    /// shutdown.</summary>
    internal bool MayRestart { get; init; }

    internal string Id => Name.Id;

    internal Guid Writer { get; }

    /// <summary>The client whose share of the log its events use.</summary>
    internal string Client { get; set; }

    /// <summary>Id of the last event that is known to be stored, or null before the first.</summary>
    internal Guid? LastStored { get; set; }

    /// <summary>Position of that event or of an earlier one. Before the first event, a position before the
    /// run.</summary>
    internal long Known { get; set; }

    /// <summary>Cancelled when the work must stop; <see cref="StopReason"/> says why.</summary>
    internal CancellationToken Stopping => _stop.Token;

    /// <summary>Completes when the work must stop, whatever the callbacks of <see cref="Stopping"/> do.</summary>
    internal Task Stopped => _stopped.Task;

    internal StopReason StopReason => (StopReason)Volatile.Read(ref _stopReason);

    /// <summary>The events that end the run if this process stops or dies.</summary>
    internal IReadOnlyList<RunEvent> ClosingEvents { get; private set; }

    /// <summary>Makes the events that end the run after a cancel, whatever the work does, or after the work's failure.
    /// Null for the usual ones.</summary>
    internal Func<Exception?, IReadOnlyList<RunEvent>?> EndOf { get; set; } = _ => null;

    /// <summary>True after the last event, whichever replica stored it.</summary>
    internal bool Ended { get; private set; }

    /// <summary>True while an append to the run is under way.</summary>
    internal bool IsAppending => Volatile.Read(ref _appending) > 0;

    /// <summary>Marks the run as ended by its work, or released.</summary>
    internal void MarkEnded() => Ended = true;

    /// <summary>Appends an event, and returns once it is durable. Its data is the value as the application's endpoints
    /// write it, without nulls.</summary>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <exception cref="ArgumentException">The type is invalid, or reserved for streams and runs (<c>error</c>,
    /// <c>end</c>, <c>restarted</c>); or the log does not accept the value's JSON.</exception>
    /// <remarks>It throws once another process has ended the run; do not catch that exception.</remarks>
    public Task AppendAsync<T>(string type, T data)
    {
        if (type == EndType)
            throw new ArgumentException($"'{EndType}' is the last event: return from the work of the run instead.");
        return AppendAsync(EventOf(type, data));
    }

    /// <summary>Appends each item as an event as soon as the item arrives: rows, steps, the updates of an answer. It
    /// ends after the last item, or when the run must stop.</summary>
    /// <inheritdoc cref="AppendAsync{T}(string, T)"/>
    public async Task AppendEachAsync<T>(string type, IAsyncEnumerable<T> items)
    {
        await foreach (var item in items.WithCancellation(Stopping))
            await AppendAsync(type, item);
    }

    /// <summary>Reads the events that the run has now, such as those of earlier attempts.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public IAsyncEnumerable<EventRecord> ReadAsync(CancellationToken cancellationToken = default) =>
        _appender.ReadAsync(Name, cancellationToken);

    /// <summary>Replaces <see cref="ClosingEvents"/>, and returns once the store has the new ones.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    internal Task CloseWithAsync(params IReadOnlyList<RunEvent> events) =>
        _appender.CloseWithAsync(this, ClosingEvents = events);

    internal void Stop(StopReason reason)
    {
        if (Interlocked.CompareExchange(ref _stopReason, (int)reason, 0) != 0)
            return;

        _stopped.SetResult();
        _ = CancelAsync();
    }

    /// <summary>Cancels the token. The application's callbacks run on other threads, so that other runs do not wait for
    /// them.</summary>
    private async Task CancelAsync()
    {
        try
        {
            await _stop.CancelAsync();
        }
        catch (ObjectDisposedException) { } // the work has just ended
        catch (AggregateException) { } // a callback failed
    }

    /// <exception cref="RunFencedException">The run has ended.</exception>
    internal Task AppendAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: false);

    /// <summary>Ends the run with an event of the application instead of <c>end</c>. The run's stream must name that
    /// type (<see cref="Microsoft.AspNetCore.Http.RunStreamExtensions"/>), and the work returns afterwards.</summary>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <remarks>It throws once another process has ended the run; do not catch that exception.</remarks>
    /// <exception cref="ArgumentException">The type is invalid, or reserved for streams and runs (<c>error</c>,
    /// <c>restarted</c>); or the log does not accept the value's JSON.</exception>
    public Task EndAsync<T>(string type, T data) => EndAsync(EventOf(type, data));

    /// <summary>Makes an event of the application, and checks it.</summary>
    private RunEvent EventOf<T>(string type, T data)
    {
        if (type == RestartedType)
            throw new ArgumentException($"'{RestartedType}' is the event of a run that was taken over.");
        // The JSON is checked, since converters of the application may write any text.
        var json = _appender.Json.Write(data);
        return new RunEvent(EventRules.Type(type), EventRules.Data(json));
    }

    /// <summary>Appends events and ends the run with the last one.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    internal Task EndAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: true);

    private async Task WriteAsync(IReadOnlyList<RunEvent> events, bool ends)
    {
        Interlocked.Increment(ref _appending);
        try
        {
            await _appender.AppendAsync(this, events, ends);
            Ended |= ends;
        }
        catch (RunFencedException)
        {
            Ended = true;
            Stop(StopReason.Fenced);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _appending);
        }
    }

    // Not public, because the work uses the run but does not own it.
    void IDisposable.Dispose() => _stop.Dispose();
}
