using System.Text.Json;
using EventStore;
using Runs;

namespace AspireSse;

/// <summary>A run that this process writes. Appends wait while the store is unavailable, and nothing can follow the end
/// of a run, even if another process ended it.</summary>
/// <remarks>For one caller at a time.</remarks>
public sealed class Run : IDisposable
{
    /// <summary>Type of the event that ends a run whose work is complete.</summary>
    internal const string EndType = "end";

    /// <summary>Type of the event that the store appends when another process takes a run over.</summary>
    internal const string RestartedType = "restarted";

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunAppender _appender;
    private readonly RunTail _tail;
    private int _stopReason;
    private int _appending;

    /// <param name="name">Its kind and id.</param>
    /// <param name="writer">The lease that it is written under.</param>
    /// <param name="announced">Position of the announcement: a reader that starts after it gets the whole run.</param>
    /// <param name="after">A position before its events.</param>
    /// <param name="client">The client whose share of the log its events use: all runs of a client have one.</param>
    /// <param name="appender">Stores its events.</param>
    internal Run(RunName name, Guid writer, StreamPosition announced, long after, string client, RunAppender appender)
    {
        Name = name;
        Announced = announced;
        _appender = appender;
        _tail = new RunTail(name.Topic, writer, client, known: after);
    }

    /// <summary>The topic of its events.</summary>
    public string Topic => Name.Topic;

    /// <summary>1 for the first start of its work; one more each time that a process took it over.</summary>
    public int Attempt { get; internal init; } = 1;

    internal RunName Name { get; }

    /// <summary>True if another process may start its work again: this one then leaves it open.</summary>
    internal bool MayRestart { get; init; }

    internal string Id => Name.Id;

    internal Guid Writer => _tail.Writer;

    internal StreamPosition Announced { get; }

    /// <summary>The client whose share of the log its events use.</summary>
    internal string Client
    {
        get => _tail.Client;
        set => _tail.Client = value;
    }

    /// <summary>Cancelled when the work must stop; <see cref="StopReason"/> says why.</summary>
    internal CancellationToken Stopping => _stop.Token;

    /// <summary>Completes when the work must stop, whatever the callbacks of <see cref="Stopping"/> do.</summary>
    internal Task Stopped => _stopped.Task;

    internal StopReason StopReason => (StopReason)Volatile.Read(ref _stopReason);

    /// <summary>True once an event of this process is known to be stored.</summary>
    internal bool HasStored => _tail.LastStored is not null;

    /// <summary>True after the last event, whichever replica stored it.</summary>
    internal bool Ended { get; private set; }

    /// <summary>True while an append of it is under way.</summary>
    internal bool IsAppending => Volatile.Read(ref _appending) > 0;

    /// <summary>Marks the run as ended by its work, or released.</summary>
    internal void MarkEnded() => Ended = true;

    /// <summary>Appends an event, whose data is a value as the application's endpoints write it, without nulls, and
    /// returns once it is durable.</summary>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <exception cref="ArgumentException">The type is invalid, or one that streams and runs send of themselves
    /// (<c>error</c>, <c>end</c>, <c>restarted</c>); or the value is no JSON.</exception>
    /// <remarks>It throws once another process has ended the run; let that pass.</remarks>
    public Task AppendAsync<T>(string type, T data)
    {
        if (type == EndType)
            throw new ArgumentException($"'{EndType}' is the last event: return from the work of the run instead.");
        return AppendAsync(EventOf(type, data));
    }

    /// <summary>Appends each item as an event, as it comes: rows, steps, the updates of an answer. It ends with the
    /// items, or when the run must stop.</summary>
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

    internal void Stop(StopReason reason)
    {
        if (Interlocked.CompareExchange(ref _stopReason, (int)reason, 0) != 0)
            return;

        if (reason == StopReason.Fenced)
            _tail.Fence();
        _stopped.SetResult();
        _ = CancelAsync();
    }

    /// <summary>Cancels the token. Callbacks of the application run elsewhere: other runs must not wait for them.
    /// </summary>
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

    /// <summary>Ends the run with an event of its own instead of <c>end</c>: its stream names that type
    /// (<see cref="Microsoft.AspNetCore.Http.RunStreamExtensions"/>), and its work returns after it.</summary>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <remarks>It throws once another process has ended the run; let that pass.</remarks>
    /// <exception cref="ArgumentException">The type is invalid, or one that streams and runs send of themselves
    /// (<c>error</c>, <c>restarted</c>); or the value is no JSON.</exception>
    public Task EndAsync<T>(string type, T data) => EndAsync(EventOf(type, data));

    /// <summary>Returns an event of the application's own.</summary>
    private RunEvent EventOf<T>(string type, T data)
    {
        if (type == RestartedType)
            throw new ArgumentException($"'{RestartedType}' is the event of a run that was taken over.");
        // Checked, since converters of the application may write any text.
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
            await _appender.AppendAsync(_tail, events, ends);
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

    // Not public: the work, which gets the run, does not own it.
    void IDisposable.Dispose() => _stop.Dispose();
}
