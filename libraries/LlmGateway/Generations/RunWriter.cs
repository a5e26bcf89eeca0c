using System.Text;
using System.Threading.Channels;
using LlmGateway.Telemetry;
using Runs;

namespace LlmGateway.Generations;

/// <summary>
/// Stores a run's tokens, joined by time: what arrives until the next beat becomes one event. The first token waits for
/// nothing. While one
/// append is on its way the next tokens gather.
/// </summary>
/// <remarks>One caller. What was handed over is stored in its order; the end takes all that waits with it.</remarks>
internal sealed class RunWriter
{
    private readonly Run _run;
    private readonly Func<string, RunEvent> _joined;
    private readonly LlmOptions _options;
    private readonly FlushScheduler _beat;
    private readonly ChatMetrics _metrics;
    private readonly string _provider;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private readonly Task _writing;
    private List<RunEvent> _events = [];
    private readonly StringBuilder _text = new();
    private TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _since,
        _takenSince;
    private int _bytes;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _first = true,
        _closing;

    /// <param name="run">Where to.</param>
    /// <param name="joined">Makes the event of joined text.</param>
    /// <param name="options">Times and limits.</param>
    /// <param name="beat">Says when.</param>
    /// <param name="metrics">Takes how long tokens waited.</param>
    /// <param name="provider">Whose tokens they are.</param>
    /// <param name="clock">The clock.</param>
    public RunWriter(
        Run run,
        Func<string, RunEvent> joined,
        LlmOptions options,
        FlushScheduler beat,
        ChatMetrics metrics,
        string provider,
        TimeProvider clock
    )
    {
        (_run, _joined, _options, _beat, _metrics, _provider, _clock) = (
            run,
            joined,
            options,
            beat,
            metrics,
            provider,
            clock
        );
        _writing = WriteAsync();
    }

    /// <summary>Takes a token; waits only where the store is so far behind that reading on would only fill
    /// memory.</summary>
    public async ValueTask TextAsync(string text)
    {
        Task? full = null;
        lock (_gate)
        {
            if (_text.Length == 0 && _events.Count == 0)
                _since = _clock.GetTimestamp();
            _text.Append(text);
            _bytes += text.Length;
            if (_bytes > _options.CoalesceMaxBytes)
                full = _taken.Task;
        }
        Wake();
        if (_writing.IsCompleted)
            await _writing;
        if (full is not null)
            await Task.WhenAny(full, _writing);
    }

    /// <summary>Takes an event that keeps its place among the text.</summary>
    public void Event(RunEvent e)
    {
        lock (_gate)
        {
            Gather();
            if (_events.Count == 0)
                _since = _clock.GetTimestamp();
            _events.Add(e);
        }
        Wake();
    }

    /// <summary>Stores what waits and, with it, the event that ends the run.</summary>
    public Task EndAsync(params RunEvent[] last) => CloseAsync(last, ends: true);

    /// <summary>Stores what waits; the run goes on, by another writer.</summary>
    public Task CloseAsync() => CloseAsync([], ends: false);

    private async Task CloseAsync(RunEvent[] last, bool ends)
    {
        lock (_gate)
            _closing = true;
        _closed.TrySetResult();
        Wake();
        await _writing;
        List<RunEvent> rest;
        lock (_gate)
            rest = Take();
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
            if (_closing)
                return;
            // A wake-up for what the last event took along would wait for a beat in vain, and the next token for the
            // one after it.
            lock (_gate)
                if (_text.Length == 0 && _events.Count == 0)
                    continue;
            if (!_first)
                await Task.WhenAny(_beat.NextAsync(), _closed.Task);
            List<RunEvent> events;
            lock (_gate)
            {
                if (_closing)
                    return;
                events = Take();
            }
            if (events.Count == 0)
                continue;
            _first = false;
            await _run.AppendAsync(events);
            Measure();
        }
    }

    private List<RunEvent> Take()
    {
        Gather();
        var events = _events;
        _events = [];
        _takenSince = _since;
        _bytes = 0;
        _taken.TrySetResult();
        _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        return events;
    }

    private void Gather()
    {
        if (_text.Length == 0)
            return;
        // Half of a surrogate pair waits for the other: some providers cut there.
        var held = char.IsHighSurrogate(_text[^1]) && !_closing ? _text[^1].ToString() : "";
        _text.Length -= held.Length;
        if (_text.Length > 0)
            _events.Add(_joined(_text.ToString()));
        _text.Clear().Append(held);
    }

    private void Measure() => _metrics.Stored(_clock.GetElapsedTime(_takenSince), _provider);

    private void Wake() => _wake.Writer.TryWrite(true);
}
