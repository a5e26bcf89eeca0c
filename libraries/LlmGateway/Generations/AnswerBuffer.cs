using System.Text;
using LlmGateway.Telemetry;

namespace LlmGateway.Generations;

/// <summary>
/// Stores the events of a run. Tokens that arrive between two flushes become one event; the first token is stored at
/// once.
/// </summary>
/// <remarks>
/// For one caller. Events are stored in the order of the calls. After an unexpected failure, disposing of the buffer
/// stores the pending events, so that none of them follows the end of the run.
/// </remarks>
/// <param name="run">The run to write.</param>
/// <param name="toEvent">Creates the event for a piece of text.</param>
/// <param name="provider">The provider's name, for the metrics.</param>
/// <param name="scheduler">Schedules the flushes.</param>
/// <param name="metrics">Records the delay of tokens.</param>
/// <param name="clock">Measures that delay.</param>
internal sealed class AnswerBuffer(
    Run run,
    Func<string, RunEvent> toEvent,
    string provider,
    FlushScheduler scheduler,
    ChatMetrics metrics,
    TimeProvider clock
) : IAsyncDisposable
{
    /// <summary>Bytes of text of one run that may wait for the store: a quarter of the longest event.</summary>
    private const int MaxPendingBytes = 256 * 1024;

    // The gate guards the events that wait for the store, and the time since when they wait.
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();
    private Func<string, RunEvent>? _kind;
    private List<RunEvent> _events = [];
    private int _bytes;
    private long _since;

    // Completes if the events that wait must not wait for the other runs.
    private TaskCompletionSource _urgent = Source();

    // Goes on until no event waits, and fails if the run has ended.
    private Task _flushing = Task.CompletedTask;
    private bool _isFlushing;
    private volatile bool _isClosing;

    /// <summary>Adds a token. If too much text waits for the store, it returns once the store has taken the
    /// text.</summary>
    /// <param name="text">The token.</param>
    /// <param name="kind">Creates the event of another kind of text, or null for the usual kind.</param>
    public async ValueTask TextAsync(string text, Func<string, RunEvent>? kind = null)
    {
        Task flushing;
        bool isFull;
        lock (_gate)
        {
            if (_kind != kind)
                CompleteText();
            _kind = kind;
            Flush();
            _text.Append(text);
            _bytes += Encoding.UTF8.GetByteCount(text);
            isFull = _bytes > MaxPendingBytes;
            flushing = _flushing;
        }

        if (isFull || flushing.IsFaulted)
            await flushing;
    }

    /// <summary>Adds an event, and returns once it is durable.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task StoreAsync(RunEvent written)
    {
        lock (_gate)
        {
            Event(written);
            _urgent.TrySetResult();
            return _flushing;
        }
    }

    /// <summary>Adds an event. Events and text keep their order.</summary>
    public void Event(RunEvent written)
    {
        lock (_gate)
        {
            CompleteText();
            Flush();
            _events.Add(written);
        }
    }

    /// <summary>Stores all pending events and the ones that end the run, in one append.</summary>
    public Task EndAsync(RunEvent last) => CloseAsync(last);

    /// <summary>Stores all pending events and leaves the run open, unless the buffer is closed already.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_isClosing)
            await CloseAsync(last: null);
    }

    private async Task CloseAsync(RunEvent? last)
    {
        Task flushing;
        lock (_gate)
        {
            _isClosing = true;
            _urgent.TrySetResult();
            flushing = _flushing;
        }

        await flushing;
        var (events, since) = TakePending();
        if (last is { } end)
            await run.EndAsync([.. events, end]);
        else if (events.Count > 0)
            await run.AppendAsync(events);
        if (events.Count > 0)
            Measure(since);
    }

    /// <summary>Begins to store what waits, unless that is under way.</summary>
    private void Flush()
    {
        if (_text.Length == 0 && _events.Count == 0)
            _since = clock.GetTimestamp();
        if (_isFlushing)
            return;

        _isFlushing = true;
        _flushing = FlushAsync(isFirst: _flushing == Task.CompletedTask);
    }

    private async Task FlushAsync(bool isFirst)
    {
        // The caller holds the gate.
        await Task.Yield();
        while (true)
        {
            Task urgent;
            lock (_gate)
                urgent = _urgent.Task;
            if (!isFirst)
                await Task.WhenAny(scheduler.NextAsync(), urgent);

            // The last append takes what waits then.
            if (_isClosing)
                return;

            var (events, since) = TakePending();
            await run.AppendAsync(events);
            isFirst = false;
            Measure(since);

            lock (_gate)
                if (_text.Length == 0 && _events.Count == 0)
                {
                    _isFlushing = false;
                    return;
                }
        }
    }

    private (List<RunEvent> Events, long Since) TakePending()
    {
        lock (_gate)
        {
            CompleteText();
            var events = _events;
            _events = [];
            _bytes = 0;
            _urgent = Source();
            return (events, _since);
        }
    }

    private void CompleteText()
    {
        if (_text.Length == 0)
            return;
        _events.Add((_kind ?? toEvent)(_text.ToString()));
        _text.Clear();
    }

    private void Measure(long since) => metrics.Stored(clock.GetElapsedTime(since), provider);

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>Creates the buffers of answers.</summary>
internal sealed class AnswerBufferFactory(FlushScheduler scheduler, ChatMetrics metrics, TimeProvider clock)
{
    /// <param name="run">The run that stores the answer.</param>
    /// <param name="format">Creates the event for a piece of text.</param>
    /// <param name="provider">Name of the provider that answers, for the metrics.</param>
    public AnswerBuffer Of(Run run, Func<string, RunEvent> format, string provider) =>
        new(run, format, provider, scheduler, metrics, clock);
}
