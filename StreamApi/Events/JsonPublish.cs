using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>Publishes a JSON event, or an array of them, all or none.</summary>
/// <remarks>It writes its answer itself: the framework's results would cost half of such a request.</remarks>
internal sealed class JsonPublish
{
    /// <summary>Maximum bytes of a body that is not NDJSON, unless one event may be larger. The data of an array must
    /// fit into one append (<see cref="EventStoreOptions.MaxBatchBytes"/>) as well.</summary>
    private const int MaxBodyBytes = 4 * 1024 * 1024;

    private readonly IEventLog _log;
    private readonly RequestBudget _budget;
    private readonly EventsOptions _options;
    private readonly int _maxBatchBytes;
    private readonly Action<ReadOnlyMemory<byte>> _check;

    public JsonPublish(
        IEventLog log,
        RequestBudget budget,
        IOptions<EventsOptions> options,
        IOptions<EventStoreOptions> store
    )
    {
        _log = log;
        _budget = budget;
        _options = options.Value;
        _maxBatchBytes = store.Value.MaxBatchBytes;
        _check = CheckLength;
    }

    public async Task PublishAsync(HttpContext context)
    {
        var events = await ReadAsync(context);
        if (events.Count > 1 && events.Sum(e => (long)Encoding.UTF8.GetByteCount(e.Data)) > _maxBatchBytes)
            throw new InvalidRequestException(
                "body",
                $"the data of an array must have at most {_maxBatchBytes} bytes. Use NDJSON for more.",
                StatusCodes.Status413PayloadTooLarge
            );

        _budget.Charge(context, events);

        IReadOnlyList<AppendedEvent> appended;
        try
        {
            appended = await _log.AppendAsync(
                events,
                new AppendOptions { Publisher = Caller.PublisherOf(context) },
                context.RequestAborted
            );
        }
        catch (EventConflictException e)
        {
            throw new InvalidRequestException("id", e.Message, StatusCodes.Status409Conflict);
        }

        Write(context.Response, appended);
    }

    private async ValueTask<IReadOnlyList<NewEvent>> ReadAsync(HttpContext context)
    {
        using var json = await JsonRequest.ReadJsonAsync(
            context,
            Math.Max(MaxBodyBytes, _options.MaxLineBytes),
            check: _check
        );

        var grants = Caller.Of(context).Grants;
        if (json.Root.ValueKind != JsonValueKind.Array)
            return [EventDocument.Read(json.Root, _options, grants)];

        var events = new List<NewEvent>(json.Root.GetArrayLength());
        foreach (var one in json.Root.EnumerateArray())
            events.Add(EventDocument.Read(one, _options, grants, $"[{events.Count}]."));
        return events;
    }

    private void CheckLength(ReadOnlyMemory<byte> body)
    {
        if (ParsedJson.IsLongerArray(body.Span, _options.MaxArrayEvents))
            throw new InvalidRequestException(
                "body",
                $"an array must have at most {_options.MaxArrayEvents} events. Use NDJSON for more.",
                StatusCodes.Status413PayloadTooLarge
            );
    }

    /// <summary>Writes <see cref="Published"/>.</summary>
    private static void Write(HttpResponse response, IReadOnlyList<AppendedEvent> appended)
    {
        response.StatusCode = StatusCodes.Status202Accepted;
        response.ContentType = "application/json; charset=utf-8";

        Span<char> position = stackalloc char[StreamPosition.MaxLength];
        using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteNumber("accepted"u8, appended.Count);
        json.WriteStartArray("events"u8);

        foreach (var (id, at) in appended)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            position.TryWrite(CultureInfo.InvariantCulture, $"{at.Epoch}-{at.Position}", out var length);
            json.WriteString("position"u8, position[..length]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        // Without it the end of the answer would be sent apart.
        response.ContentLength = json.BytesCommitted + json.BytesPending;
    }
}
