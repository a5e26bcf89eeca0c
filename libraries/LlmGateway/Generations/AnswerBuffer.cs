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

    // Guards the batch that takes what is added, which is null until something is added.
    private readonly Lock _gate = new();
    private Batch? _open;

    // The append of the newest batch, which follows all earlier ones. It fails if the run has ended.
    private Task _stored = Task.CompletedTask;
    private bool _isClosing;

    /// <summary>Adds a token. If too much text waits for the store, it returns once the store has taken the
    /// text.</summary>
    /// <param name="text">The token.</param>
    /// <param name="kind">Creates the event of another kind of text, or null for the usual kind.</param>
    public async ValueTask TextAsync(string text, Func<string, RunEvent>? kind = null)
    {
        Task stored;
        bool isFull;
        lock (_gate)
        {
            isFull = Open().Add(text, kind ?? toEvent) > MaxPendingBytes;
            stored = _stored;
        }

        if (isFull || stored.IsFaulted)
            await stored;
    }

    /// <summary>Adds an event, and returns once it is durable.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task StoreAsync(RunEvent written)
    {
        lock (_gate)
        {
            Event(written);
            _open!.Hurry();
            return _stored;
        }
    }

    /// <summary>Adds an event. Events and text keep their order.</summary>
    public void Event(RunEvent written)
    {
        lock (_gate)
            Open().Add(written);
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
        lock (_gate)
        {
            _isClosing = true;
            _open?.Hurry();
        }

        await _stored;
        var pending = _open?.Take() ?? [];
        if (last is { } end)
            await run.EndAsync([.. pending, end]);
        else if (pending.Count > 0)
            await run.AppendAsync(pending);
        if (_open is { } stored)
            Measure(stored);
    }

    /// <summary>Returns the batch for what is added. The caller has the gate.</summary>
    private Batch Open()
    {
        if (_open is null)
        {
            _open = new Batch(clock.GetTimestamp());
            _stored = StoreAsync(_open, before: _stored);
        }

        return _open;
    }

    private async Task StoreAsync(Batch batch, Task before)
    {
        // The caller has the gate.
        await Task.Yield();
        await before;
        if (before != Task.CompletedTask)
            await Task.WhenAny(scheduler.NextAsync(), batch.Hurried);

        lock (_gate)
        {
            // The last append takes what waits then.
            if (_isClosing)
                return;
            _open = null;
        }

        await run.AppendAsync(batch.Take());
        Measure(batch);
    }

    private void Measure(Batch batch) => metrics.Stored(clock.GetElapsedTime(batch.Since), provider);

    /// <summary>The events of one append.</summary>
    private sealed class Batch(long since)
    {
        private readonly TaskCompletionSource _hurried = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly List<RunEvent> _events = [];
        private readonly StringBuilder _text = new();
        private Func<string, RunEvent>? _toEvent;
        private int _bytes;

        /// <summary>The time since when it waits.</summary>
        public long Since => since;

        /// <summary>Completes if it must not wait for the other runs.</summary>
        public Task Hurried => _hurried.Task;

        public void Hurry() => _hurried.TrySetResult();

        /// <summary>Adds a token, and returns the bytes of all tokens.</summary>
        public int Add(string token, Func<string, RunEvent> toEvent)
        {
            if (_toEvent != toEvent)
                CompleteText();
            _toEvent = toEvent;
            _text.Append(token);
            return _bytes += Encoding.UTF8.GetByteCount(token);
        }

        public void Add(RunEvent written)
        {
            CompleteText();
            _events.Add(written);
        }

        public List<RunEvent> Take()
        {
            CompleteText();
            return _events;
        }

        private void CompleteText()
        {
            if (_text.Length > 0)
                _events.Add(_toEvent!(_text.ToString()));
            _text.Clear();
        }
    }
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
