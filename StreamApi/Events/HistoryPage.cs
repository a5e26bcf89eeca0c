using System.IO.Pipelines;
using System.Text.Json;

namespace StreamApi.Events;

/// <summary>Reads, encodes and sends a page of history in parts: the next one when the client has taken the one
/// before, so that a client that does not read costs one part.</summary>
/// <param name="limit">Events at which the page ends.</param>
/// <param name="maxBytes">Bytes of data at which the page ends.</param>
internal sealed class HistoryPage(
    HttpContext context,
    IEventLog log,
    RequestBudget budget,
    EventFilter filter,
    int limit,
    int maxBytes
) : IResult, IDisposable
{
    /// <summary>Maximum searches of one request, so that a filter with few matches does not scan the whole
    /// log.</summary>
    private const int MaxSearches = 3;

    /// <summary>Bytes of data of a part without its last event, and the estimated bytes of an envelope.</summary>
    private const int PartBytes = 256 * 1024,
        EnvelopeBytes = 256;

    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = ReadableJsonEncoder.Instance,
        SkipValidation = true,
    };

    /// <summary>Keeps what is encoded in pooled memory until it is sent.</summary>
    private readonly PipeWriter _encoded = PipeWriter.Create(
        context.Response.Body,
        new StreamPipeWriterOptions(minimumBufferSize: 64 * 1024, leaveOpen: true)
    );
    private readonly ByteHold _hold = budget.Hold(context);
    private Utf8JsonWriter? _json;
    private StreamPosition? _after;
    private StreamPosition _head;
    private ResyncException? _expired;
    private long _bytes;
    private int _events;
    private int _searches;
    private bool _isEnded;

    /// <summary>Reads the first part.</summary>
    /// <param name="after">Id after which the page begins.</param>
    /// <exception cref="InvalidRequestException">The id does not belong to this log.</exception>
    /// <exception cref="RefusedException">The client, or all clients together, hold too many bytes.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task BeginAsync(StreamPosition? after)
    {
        context.Response.RegisterForDispose(this);
        _after = after;
        using var turn = await budget.EnterReadAsync(context);
        var first = await FirstPartAsync();
        _head = first.Head;

        _json = new Utf8JsonWriter(_encoded, Readable);
        _json.WriteStartObject();
        if (_expired is { } lost)
            WriteResync(_json, lost);
        _json.WriteStartArray("events"u8);
        await EncodeAsync(first);
    }

    public async Task ExecuteAsync(HttpContext _)
    {
        context.Response.ContentType = "application/json; charset=utf-8";

        while (!_isEnded)
        {
            await SendAsync();
            await ReadOnAsync();
        }

        _json!.WriteEndArray();
        _json.WriteString("next"u8, _after == _head ? null : _after.ToString());
        _json.WriteString("head"u8, _head.ToString());
        _json.WriteEndObject();
        _json.Flush();
        await SendAsync();
    }

    public void Dispose()
    {
        _json?.Dispose();
        // What is not sent yet is not sent any more.
        _encoded.Complete(new OperationCanceledException());
    }

    private async Task SendAsync() => await _encoded.FlushAsync(context.RequestAborted);

    /// <summary>Reads on. On failure the page ends early, and its <c>next</c> continues there.</summary>
    private async Task ReadOnAsync()
    {
        try
        {
            using var turn = await budget.EnterReadAsync(context);
            await EncodeAsync(await NextPartAsync());
        }
        catch (Exception e) when (e is StoreUnavailableException or RefusedException or ResyncException)
        {
            _isEnded = true;
        }
    }

    /// <summary>Encodes parts until there is enough to send; the page ends at its limits and at a change of
    /// epoch.</summary>
    private async Task EncodeAsync(EventPage? part)
    {
        for (; part?.Head.Epoch == _head.Epoch; part = await NextPartAsync())
        {
            Encode(part);
            if (_events >= limit || _bytes >= maxBytes || _after == _head)
                break;
            if (_encoded.UnflushedBytes >= PartBytes / 2)
                return;
        }
        _isEnded = true;
    }

    private void Encode(EventPage part)
    {
        var bytes = 0L;
        foreach (var record in part.Events)
            bytes += record.Data.Length + EnvelopeBytes;

        _hold.Set(_encoded.UnflushedBytes + bytes);

        foreach (var stored in part.Events)
        {
            stored.WriteTo(_json!);
            _bytes += stored.Data.Length;
        }

        _json!.Flush();
        _after = part.Next;
        _head = part.Head;
        _events += part.Events.Count;
    }

    /// <summary>Tells, as a stream does, that the page begins with the oldest event, because retention has dropped
    /// some.</summary>
    private static void WriteResync(Utf8JsonWriter json, ResyncException lost)
    {
        json.WriteStartObject("resync"u8);
        json.WriteString("reason"u8, "expired");
        json.WriteString("requested"u8, lost.Requested.ToString());
        json.WriteString("resumedFrom"u8, lost.ResumeFrom.ToString());
        json.WriteEndObject();
    }

    /// <summary>Returns the first part, which begins with the oldest event if the client's place has expired.</summary>
    private async Task<EventPage> FirstPartAsync()
    {
        try
        {
            return (await NextPartAsync())!;
        }
        catch (ResyncException e) when (e.Reason == ResyncReason.Expired)
        {
            _expired = e;
            _after = e.ResumeFrom;
            return (await NextPartAsync())!;
        }
        catch (ResyncException e)
        {
            throw new InvalidRequestException(
                "after",
                e.Reason == ResyncReason.Future
                    ? $"is beyond the head {e.ResumeFrom}."
                    : $"belongs to epoch {e.Requested.Epoch}; the current epoch is {e.ResumeFrom.Epoch}, which is the "
                        + $"same up to {e.ResumeFrom}. Read after it."
            );
        }
    }

    /// <summary>Returns the next part, or null after the last search.</summary>
    private async Task<EventPage?> NextPartAsync()
    {
        if (_searches == MaxSearches)
            return null;

        var bytes = (int)Math.Min(PartBytes, maxBytes - _bytes);
        var part = await log.ReadAsync(
            new EventRead
            {
                After = _after,
                Filter = filter,
                MaxEvents = limit - _events,
                MaxBytes = bytes,
            },
            context.RequestAborted
        );
        // One that its bytes have cut goes on with the same search.
        if (part.Events.Sum(e => (long)e.Data.Length) < bytes)
            _searches++;

        return part;
    }
}
