using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AspireSse.Client;
using LoadTests.Loads;
using LoadTests.Measurements;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace LoadTests.Llm;

/// <summary>Reads one generation from its POST to its end, over all its
/// connections, and compares it with the upstream's text.</summary>
internal sealed class GenerationReader(
    LoadRun run,
    Lane lane,
    LedgerReader account,
    StartedGeneration generation,
    bool isFirst,
    long requestedAt,
    UpstreamAnswer? answer
) : IStallable, IAsyncDisposable
{
    /// <summary>The time without an event after which a stream
    /// counts as stalled; many times the coalescing delay.</summary>
    private static readonly TimeSpan StallTime = TimeSpan.FromSeconds(2);

    private readonly GenerationStats _stats = run.Generations!;
    private readonly SseStream _stream = run.Client.Open(new SseRequest(generation.Stream), run.StreamOptions);
    private readonly StringBuilder _text = new();
    private readonly List<string> _ids = [];
    private readonly Queue<double> _latencies = [];
    private IAsyncEnumerator<SseEvent>? _events;
    private long _returnedAt = LoadEvent.Now();
    private long _previousAt;
    private long _receivedAt;
    private bool _first = true;
    private bool _isConnected;

    /// <summary>True when the server ended the stream with 204 and no end event.</summary>
    public bool EndedSilently { get; private set; }

    /// <summary>The stream's end event, or null before it.</summary>
    public SseEvent? End { get; private set; }
    public string Text => _text.ToString();

    /// <summary>The ids of the token events in the order of receipt.</summary>
    public IReadOnlyList<string> Ids => _ids;

    /// <summary>True when the stream is open, the generation runs and no event arrives. Thread-safe.</summary>
    public bool IsStalled =>
        End is null
        && _stream.State == SseStreamState.Open
        && Stopwatch.GetElapsedTime(Volatile.Read(ref _receivedAt)) > StallTime;

    /// <summary>True when every received token has been counted.</summary>
    public bool IsCaughtUp => _latencies.Count == 0;

    /// <summary>Returns the latency in milliseconds of the next token (of the
    /// next event without the fake upstream), or null at the end.</summary>
    public async ValueTask<double?> NextAsync()
    {
        while (_latencies.Count == 0)
        {
            if (End is not null)
                return null;

            if (_events is null)
            {
                run.Counters.BeginConnect(_stream);
                _events = _stream.GetAsyncEnumerator(run.Reading);
            }

            if (!await _events.MoveNextAsync())
            {
                EndedSilently = true;
                throw new LoadTestException($"The stream of {generation.Id} ended without an end event.");
            }

            Volatile.Write(ref _receivedAt, Stopwatch.GetTimestamp());

            if (!_isConnected)
                MarkConnected();

            if (_events.Current.Type == "token")
                Read(_events.Current);
            else if (_events.Current.Type is "done" or "error")
                End = _events.Current;
        }
        return _latencies.Dequeue();
    }

    /// <summary>Disconnects and resumes after a while, on any replica.</summary>
    public async Task DropAndReturnAsync(TimeSpan away)
    {
        await DisposeAsync();
        _stats.RecordDrop();
        await Task.Delay(away, run.Reading);
        _returnedAt = LoadEvent.Now();
    }

    private void MarkConnected()
    {
        _isConnected = true;
        run.Counters.Opened(_stream, first: isFirst && _first);
        _stats.AddReader(this);
    }

    private void Read(SseEvent received)
    {
        var now = LoadEvent.Now();
        var first = _first;
        if (first)
            _stats.FirstToken.Record(Stopwatch.GetElapsedTime(requestedAt));

        _first = false;
        using var json = JsonDocument.Parse(received.Utf8Data);
        var text = json.RootElement.GetProperty("text").GetString() ?? "";

        _text.Append(text);

        if (answer is null)
            ReadUntimed(received, now);
        else
            ReadTokens(text, now);
    }

    private void ReadTokens(ReadOnlySpan<char> text, long now)
    {
        for (long firstSent = 0; text.Length > 0; )
        {
            var sequence = TokenText.Next(ref text);
            account.Receive(lane.Publisher.Number, sequence);

            if (answer!.SentAt(sequence) is not (> 0 and var sent))
                continue;

            if (firstSent == 0)
                firstSent = sent;

            // Tokens sent during the absence measure catching up.
            (firstSent < _returnedAt ? run.CatchUp : run.Delivery).RecordTicks((now - sent) / 100);
            _latencies.Enqueue((now - sent) / 1e6);
        }
    }

    private void ReadUntimed(SseEvent received, long now)
    {
        _ids.Add(received.Id);
        var since = now - Math.Max(_previousAt, _returnedAt);
        // The first event after connecting has an unknown age.
        (_previousAt < _returnedAt ? run.CatchUp : run.Delivery).RecordTicks(since / 100);
        _previousAt = now;
        _latencies.Enqueue(since / 1e6);
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is null)
            return;

        run.Counters.Closing(_stream);
        _stats.RemoveReader(this);
        _isConnected = false;
        await _events.DisposeAsync();
        _events = null;
    }
}
