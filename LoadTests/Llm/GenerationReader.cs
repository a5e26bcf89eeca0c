using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AspireSse.Client;
using Ledger;
using LoadTests.Measuring;
using LoadTests.Running;

namespace LoadTests.Llm;

/// <summary>Reads one generation from its POST to its end, over all its connections, and holds it to what the upstream
/// said.</summary>
internal sealed class GenerationReader(
    LoadRun run,
    GenerationFigures figures,
    Lane lane,
    LedgerReader account,
    BegunGeneration generation,
    bool isFirst,
    long askedAt,
    UpstreamAnswer? answer
) : IAsyncDisposable
{
    /// <summary>Many times what a token waits to be joined to others.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

    private readonly SseStream _stream = run.Client.Open(new SseRequest(generation.Stream), run.StreamOptions);
    private readonly StringBuilder _text = new();
    private readonly List<string> _ids = [];
    private readonly Queue<double> _latencies = [];
    private IAsyncEnumerator<SseEvent>? _events;
    private long _returnedAt = LoadEvent.Now(),
        _before,
        _heardAt;
    private bool _first = true,
        _isHere;

    /// <summary>The server said that there is no more (204), and not how it ended.</summary>
    public bool EndedSilently { get; private set; }

    /// <summary>What the stream said at its end; null before it.</summary>
    public SseEvent? End { get; private set; }
    public string Text => _text.ToString();

    /// <summary>The ids of the token events, in the order of receipt.</summary>
    public IReadOnlyList<string> Ids => _ids;

    /// <summary>It is connected, its generation is not over, and nothing comes. May be asked from any thread.</summary>
    public bool IsStalled =>
        End is null
        && _stream.State == SseStreamState.Open
        && Stopwatch.GetElapsedTime(Volatile.Read(ref _heardAt)) > Silence;

    /// <summary>Nothing that was received waits to be counted.</summary>
    public bool IsLevel => _latencies.Count == 0;

    /// <summary>The next token where tokens are told apart, otherwise the next event of some: its latency in
    /// milliseconds; null at the end.</summary>
    public async ValueTask<double?> NextAsync()
    {
        while (_latencies.Count == 0)
        {
            if (End is not null)
                return null;
            if (_events is null)
            {
                run.Counters.Coming(_stream);
                _events = _stream.GetAsyncEnumerator(run.Reading);
            }
            if (!await _events.MoveNextAsync())
            {
                EndedSilently = true;
                throw new LoadTestException($"The stream of {generation.Id} ended without saying how.");
            }
            Volatile.Write(ref _heardAt, Stopwatch.GetTimestamp());
            if (!_isHere)
                Come();
            if (_events.Current.Type == "token")
                Take(_events.Current);
            else if (_events.Current.Type is "done" or "error")
                End = _events.Current;
        }
        return _latencies.Dequeue();
    }

    /// <summary>Leaves, and comes back after a while where it was, on whichever replica.</summary>
    public async Task DropAndReturnAsync(TimeSpan away)
    {
        await DisposeAsync();
        figures.Dropped();
        await Task.Delay(away, run.Reading);
        _returnedAt = LoadEvent.Now();
    }

    private void Come()
    {
        _isHere = true;
        run.Counters.Opened(_stream, first: isFirst && _first);
        figures.Reads(this);
    }

    private void Take(SseEvent e)
    {
        var (now, first) = (LoadEvent.Now(), _first);
        if (first)
            figures.FirstToken.Record(Stopwatch.GetElapsedTime(askedAt));
        _first = false;
        using var json = JsonDocument.Parse(e.Utf8Data);
        var text = json.RootElement.GetProperty("text").GetString() ?? "";
        _text.Append(text);
        if (answer is null)
            TakeUntimed(e, now);
        else
            TakeTokens(text, now);
    }

    private void TakeTokens(ReadOnlySpan<char> text, long now)
    {
        for (long firstSent = 0; text.Length > 0; )
        {
            var sequence = TokenText.Take(ref text);
            account.Receive(lane.Publisher.Number, sequence);
            if (answer!.SentAt(sequence) is not (> 0 and var sent))
                continue;
            if (firstSent == 0)
                firstSent = sent;
            // What was said while it was away is a matter of catching up.
            (firstSent < _returnedAt ? run.CatchUp : run.Delivery).RecordTicks((now - sent) / 100);
            _latencies.Enqueue((now - sent) / 1e6);
        }
    }

    private void TakeUntimed(SseEvent e, long now)
    {
        _ids.Add(e.Id);
        var since = now - Math.Max(_before, _returnedAt);
        // Of the first event since it came, nobody knows how old it is.
        (_before < _returnedAt ? run.CatchUp : run.Delivery).RecordTicks(since / 100);
        _before = now;
        _latencies.Enqueue(since / 1e6);
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is null)
            return;
        run.Counters.Leaves(_stream);
        figures.ReadsNoMore(this);
        _isHere = false;
        await _events.DisposeAsync();
        _events = null;
    }
}
