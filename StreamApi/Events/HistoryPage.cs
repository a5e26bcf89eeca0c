using System.Text.Json;
using EventStore;
using Streaming.Admission;
using Streaming.Frames;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// Reads, encodes and sends a page of history in parts. It reads the next part when the client has taken the previous
/// one, so a client that does not read costs one part.
/// </summary>
internal sealed class HistoryPage(
    HttpContext context,
    EventReader reader,
    LineageReader lineages,
    ReadTurns reads,
    EventFilter filter,
    int limit,
    EventsOptions options
) : IResult, IDisposable
{
    /// <summary>
    /// Maximum searches of one request, so that a filter with few matches does not scan the whole log.
    /// </summary>
    private const int MaxSearches = 3;

    /// <summary>Bytes of data of a part without its last event, and the estimated bytes of an envelope.</summary>
    private const int PartBytes = 256 * 1024,
        EnvelopeBytes = 256;

    private readonly PooledBuffer _encoded = new();
    private readonly ByteHold _hold = context.RequestServices.GetRequiredService<RequestBudget>().Hold(context);
    private Utf8JsonWriter? _json;
    private IAsyncEnumerator<EventPage>? _parts;
    private string _epoch = "";
    private long _head,
        _position,
        _bytes;
    private int _events,
        _searches;
    private bool _isEnded;

    /// <summary>Reads the first part.</summary>
    /// <param name="after">Id after which the page begins.</param>
    /// <returns>A problem if the id does not belong to this log; null if the page can be sent.</returns>
    /// <exception cref="RefusedException">The client, or all clients together, hold too many bytes.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<IResult?> BeginAsync(StreamId? after)
    {
        context.Response.RegisterForDispose(this);
        _position = after?.Position ?? 0;
        using (await reads.EnterAsync(context))
        {
            var first = await NextPageAsync();
            _epoch = first!.Epoch;
            _head = first.Head;
            if (after is { } asked && await lineages.TranslateAsync(asked, _epoch, context.RequestAborted) is null)
                return InvalidRequestException.ProblemOf(
                    "after",
                    $"belongs to epoch {asked.Epoch}; the current epoch is {_epoch}. Read from the start."
                );
            if (after is { } ahead && ahead.Position > _head)
                return InvalidRequestException.ProblemOf("after", $"is beyond the head {new StreamId(_epoch, _head)}.");
            _json = new Utf8JsonWriter(_encoded, FrameJson.Options);
            _json.WriteStartObject();
            _json.WriteStartArray("events"u8);
            await FillAsync(first);
        }
        return null;
    }

    public async Task ExecuteAsync(HttpContext _)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        while (!_isEnded)
        {
            await SendAsync();
            await ReadPartAsync();
        }
        _json!.WriteEndArray();
        var next = _position < _head ? new StreamId(_epoch, _position).ToString() : null;
        _json.WriteString("next"u8, next);
        _json.WriteString("head"u8, new StreamId(_epoch, _head).ToString());
        _json.WriteEndObject();
        _json.Flush();
        await SendAsync();
    }

    public void Dispose()
    {
        _json?.Dispose();
        _encoded.Dispose();
    }

    private async Task SendAsync()
    {
        await context.Response.Body.WriteAsync(_encoded.Written, context.RequestAborted);
        _encoded.Clear();
    }

    /// <summary>Reads the next part. On failure the page ends early, and its <c>next</c> continues there.</summary>
    private async Task ReadPartAsync()
    {
        try
        {
            using var turn = await reads.EnterAsync(context);
            if (await NextPageAsync() is { } page)
                await FillAsync(page);
            else
                _isEnded = true;
        }
        catch (Exception e) when (e is StoreUnavailableException or RefusedException)
        {
            _isEnded = true;
        }
    }

    /// <summary>Encodes parts until there is enough to send.</summary>
    private async Task FillAsync(EventPage? page)
    {
        for (; page is not null; page = await NextPageAsync())
        {
            if (page.Epoch != _epoch)
                break;
            Encode(page);
            if (IsFull)
                break;
            if (_encoded.Written.Length >= PartBytes / 2)
                return;
        }
        _isEnded = true;
    }

    private bool IsFull => _events >= limit || _bytes >= options.MaxPageBytes || _position >= _head;

    private void Encode(EventPage page)
    {
        var bytes = 0L;
        foreach (var e in page.Events)
            bytes += e.Data.Length + EnvelopeBytes;
        _hold.Set(Math.Max(_encoded.Capacity, _encoded.Written.Length + bytes));
        foreach (var e in page.Events)
        {
            FrameJson.WriteEnvelope(_json!, new StreamId(_epoch, e.Position).ToString(), e);
            _bytes += e.Data.Length;
        }
        _json!.Flush();
        _position = page.Through;
        _head = page.Head;
        _events += page.Events.Count;
    }

    /// <summary>Returns the next part of this search or of the next one; null at the end of the page.</summary>
    private async Task<EventPage?> NextPageAsync()
    {
        while (_parts is null || !await _parts.MoveNextAsync())
        {
            if (_searches++ == MaxSearches)
                return null;
            var part = (int)Math.Min(PartBytes, options.MaxPageBytes - _bytes);
            _parts = reader
                .ReadPartsAsync(_position, filter, limit - _events, part, context.RequestAborted)
                .GetAsyncEnumerator();
        }
        return _parts.Current;
    }
}
