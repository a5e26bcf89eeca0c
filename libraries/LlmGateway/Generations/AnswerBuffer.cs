using System.Text;
using System.Threading.Channels;
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
internal sealed class AnswerBuffer : IAsyncDisposable
{
    /// <summary>Bytes of text of one run that may wait for the store: a quarter of the longest event.</summary>
    private const int MaxPendingBytes = 256 * 1024;

    private readonly Run _run;
    private readonly Func<string, RunEvent> _toEvent;
    private readonly FlushScheduler _scheduler;
    private readonly ChatMetrics _metrics;
    private readonly string _provider;
    private readonly TimeProvider _clock;
    private readonly Task _writing;
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private bool _first = true;

    // The gate guards the events that wait for the store, and the time since when they wait.
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();
    private Func<string, RunEvent> _pendingToEvent;
    private List<RunEvent> _events = [];

    // Completes once the events that wait are stored.
    private TaskCompletionSource _stored = Source();

    // Completes if they must not wait for the other runs.
    private TaskCompletionSource _urgent = Source();
    private int _bytes;
    private long _since;
    private long _takenSince;
    private bool _closing;

    /// <param name="run">The run to write.</param>
    /// <param name="toEvent">Creates the event for a piece of text.</param>
    /// <param name="scheduler">Schedules the flushes.</param>
    /// <param name="metrics">Records the delay of tokens.</param>
    /// <param name="provider">The provider's name, for the metrics.</param>
    /// <param name="clock">Measures that delay.</param>
    public AnswerBuffer(
        Run run,
        Func<string, RunEvent> toEvent,
        FlushScheduler scheduler,
        ChatMetrics metrics,
        string provider,
        TimeProvider clock
    )
    {
        _run = run;
        _toEvent = _pendingToEvent = toEvent;
        _scheduler = scheduler;
        _metrics = metrics;
        _provider = provider;
        _clock = clock;
        _writing = WriteAsync();
    }

    /// <summary>Adds a token. If too much text waits for the store, it returns once the store has taken the
    /// text.</summary>
    /// <param name="text">The token.</param>
    /// <param name="toEvent">Creates the event of another kind of text, or null for the usual kind.</param>
    public async ValueTask TextAsync(string text, Func<string, RunEvent>? toEvent = null)
    {
        Task? full = null;
        lock (_gate)
        {
            if (_pendingToEvent != (toEvent ?? _toEvent))
                CompleteText();
            _pendingToEvent = toEvent ?? _toEvent;

            if (_text.Length == 0 && _events.Count == 0)
                _since = _clock.GetTimestamp();

            _text.Append(text);
            _bytes += Encoding.UTF8.GetByteCount(text);
            if (_bytes > MaxPendingBytes)
                full = _stored.Task;
        }

        Wake();

        if (_writing.IsCompleted)
            await _writing;
        if (full is not null)
            await Task.WhenAny(full, _writing);
    }

    /// <summary>Adds an event, and returns once it is durable.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    public async Task StoreAsync(RunEvent written)
    {
        Task stored;
        lock (_gate)
        {
            Event(written);
            stored = _stored.Task;
            _urgent.TrySetResult();
        }

        await await Task.WhenAny(stored, _writing);
    }

    /// <summary>Adds an event. Events and text keep their order.</summary>
    public void Event(RunEvent written)
    {
        lock (_gate)
        {
            CompleteText();
            if (_events.Count == 0)
                _since = _clock.GetTimestamp();
            _events.Add(written);
        }
        Wake();
    }

    /// <summary>Stores all pending events and the ones that end the run, in one append.</summary>
    public Task EndAsync(params RunEvent[] last) => CloseAsync(last, ends: true);

    /// <summary>Stores all pending events and leaves the run open.</summary>
    public Task CloseAsync() => CloseAsync([], ends: false);

    /// <summary>Closes the buffer, unless it is closed already.</summary>
    public async ValueTask DisposeAsync()
    {
        bool isOpen;
        lock (_gate)
            isOpen = !_closing;

        if (isOpen)
            await CloseAsync();
    }

    private async Task CloseAsync(RunEvent[] last, bool ends)
    {
        lock (_gate)
        {
            _closing = true;
            _urgent.TrySetResult();
        }

        Wake();
        await _writing;

        List<RunEvent> rest;
        lock (_gate)
            rest = TakePending();

        rest.AddRange(last);
        if (rest.Count == 0)
            return;

        if (ends)
            await _run.EndAsync(rest);
        else
            await _run.AppendAsync(rest);

        Measure();
    }

    private async Task WriteAsync()
    {
        while (true)
        {
            await _wake.Reader.ReadAsync();
            Task urgent;
            lock (_gate)
            {
                if (_closing)
                    return;
                urgent = _urgent.Task;
                // The last append may have taken everything: a flush now would only delay the next token.
                if (_text.Length == 0 && _events.Count == 0)
                    continue;
            }

            if (!_first)
                await Task.WhenAny(_scheduler.NextAsync(), urgent);

            List<RunEvent> events;
            TaskCompletionSource stored;
            lock (_gate)
            {
                if (_closing)
                    return;
                stored = _stored;
                events = TakePending();
            }

            if (events.Count == 0)
                continue;

            _first = false;
            await _run.AppendAsync(events);
            stored.SetResult();
            Measure();
        }
    }

    private List<RunEvent> TakePending()
    {
        CompleteText();
        var events = _events;
        _events = [];
        _takenSince = _since;
        _bytes = 0;
        _stored = Source();
        _urgent = Source();
        return events;
    }

    private void CompleteText()
    {
        if (_text.Length == 0)
            return;
        _events.Add(_pendingToEvent(_text.ToString()));
        _text.Clear();
    }

    private static TaskCompletionSource Source() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Measure() => _metrics.Stored(_clock.GetElapsedTime(_takenSince), _provider);

    private void Wake() => _wake.Writer.TryWrite(true);
}
