using System.Text;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>The lines of one NDJSON request that are appended together, and the events stored before.</summary>
internal sealed class NdjsonBatch(
    IEventLog log,
    RequestBudget budget,
    TimeProvider clock,
    HttpContext context,
    int maxBytes
)
{
    /// <summary>Maximum lines appended in one step, which other publishers wait for.</summary>
    private const int MaxEvents = 100;

    private readonly ClientKey _client = Caller.KeyOf(context);
    private readonly AppendOptions _options = new() { Publisher = Caller.PublisherOf(context) };
    private readonly List<NewEvent> _events = [];
    private readonly List<int> _lines = [];
    private readonly List<AppendedEvent> _stored = [];
    private int _bytes;
    private IDisposable? _turn;
    private bool _hadBlankLines;
    private long _received;
    private long _paid;

    /// <summary>The events that are stored.</summary>
    public IReadOnlyList<AppendedEvent> Stored => _stored;

    /// <summary>Number of events, stored or not.</summary>
    public int Count => _stored.Count + _events.Count;

    /// <summary>Bytes of memory of the data that are not stored yet.</summary>
    public long HeldBytes => sizeof(char) * _bytes;

    /// <summary>Number of the line that is read; after an append that failed the first line that it did not
    /// store.</summary>
    public int Line { get; set; } = 1;

    /// <summary>Charges the client for bytes that have arrived, before they are parsed, so that blank and invalid lines
    /// cost as much as others. Beyond its rate it waits for a turn, and for one more after each append, so that others
    /// get the processors in between.</summary>
    /// <remarks>After blank lines it waits for its rate: what costs is to receive them, which no turn sees.</remarks>
    public async ValueTask ReceiveAsync(long bytes, bool isLong)
    {
        var kilobytes = Kilobytes(bytes) + (_hadBlankLines ? 1 : 0);
        _turn = await budget.EnterPartAsync(context, kilobytes, isLong || _hadBlankLines);
        _hadBlankLines = false;
    }

    /// <summary>Ends the turn: the client may take its time to send the next lines.</summary>
    public void EndTurn()
    {
        _turn?.Dispose();
        _turn = null;
    }

    /// <summary>Charges the client for a blank line.</summary>
    public void AddBlank(long bytes)
    {
        budget.Charge(_client, Kilobytes(bytes));
        _hadBlankLines = true;
    }

    /// <summary>Adds the event of the current line. A full batch is appended first.</summary>
    public async Task AddAsync(NewEvent published)
    {
        var bytes = Encoding.UTF8.GetByteCount(published.Data);
        if (_events.Count == MaxEvents || _bytes + bytes > maxBytes)
        {
            await FlushAsync();
            if (_turn is { } turn)
                _turn = await budget.NextTurnAsync(context, turn);
        }

        _events.Add(published);
        _lines.Add(Line);
        _bytes += bytes;
    }

    /// <summary>Appends the events. Backpressure: while it waits, the rest of the body waits in the client.</summary>
    /// <exception cref="EventConflictException">An id belongs to another event; <see cref="Line"/> has it.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task FlushAsync()
    {
        if (_events.Count == 0)
            return;

        var cost = RequestBudget.CostOf(_events);
        budget.Charge(_client, cost - _paid);
        _paid = Math.Max(0, _paid - cost);
        var before = _stored.Count;

        try
        {
            _stored.AddRange(await AppendAsync(_events));
        }
        catch (EventConflictException)
        {
            await AppendToConflictAsync();
        }
        finally
        {
            var stored = _stored.Count - before;
            if (stored < _events.Count)
                Line = _lines[stored];
            _events.Clear();
            _lines.Clear();
            _bytes = 0;
        }
    }

    /// <summary>Appends the lines before the conflicting one, which it finds by halves: one line at a time would be a
    /// commit for each.</summary>
    private async Task AppendToConflictAsync()
    {
        for (var first = 0; first < _events.Count; first++)
        {
            for (var end = _events.Count; end - first > 1; )
            {
                var middle = (first + end) / 2;
                try
                {
                    _stored.AddRange(await AppendAsync(_events[first..middle]));
                    first = middle;
                }
                catch (EventConflictException)
                {
                    end = middle;
                }
            }

            // Conflicts, unless the earlier event has been forgotten meanwhile.
            _stored.AddRange(await AppendAsync([_events[first]]));
        }
    }

    /// <summary>The whole kilobytes of bytes that have arrived.</summary>
    private long Kilobytes(long bytes)
    {
        _received += bytes;
        var kilobytes = _received / 1_024;
        _received -= 1_024 * kilobytes;
        _paid += kilobytes;
        return kilobytes;
    }

    private async Task<IReadOnlyList<AppendedEvent>> AppendAsync(IReadOnlyList<NewEvent> events)
    {
        while (true)
        {
            try
            {
                return await log.AppendAsync(events, _options, context.RequestAborted);
            }
            catch (AppendQueueFullException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), clock, context.RequestAborted);
            }
        }
    }
}
