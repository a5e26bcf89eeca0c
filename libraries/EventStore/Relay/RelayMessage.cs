using System.Buffers;
using System.Text.Json;

namespace EventStore;

/// <summary>
/// A message of the Broadcaster on Redis: a batch of events, or a heartbeat without events. As JSON:
/// <c>{"version":1,"epoch":…,"fence":…,"sent":…,"previous":…,"first":…,"last":…,"traceparent":…,"events":[…]}</c>.
/// </summary>
/// <remarks>
/// A receiver whose position is less than <paramref name="Previous"/> has missed events and reads them from the store.
/// An event without <c>data</c> was too large for Redis; its message has version 2, so that a receiver which does not
/// know such events treats the message as a gap.
/// </remarks>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Fence">The leader's fencing number; receivers ignore messages with a lower one than before in this
/// epoch.</param>
/// <param name="Previous">The position of the event before the batch.</param>
/// <param name="Last">The position of the last event; the head in a heartbeat.</param>
/// <param name="Events">Events in position order; empty in a heartbeat.</param>
/// <param name="TraceParent">W3C trace context of the relay; null without one.</param>
/// <param name="Sent">A number that grows with each message of a leader; one that does not is a repetition.</param>
public sealed record RelayMessage(
    string Epoch,
    long Fence,
    long Previous,
    long Last,
    IReadOnlyList<EventRecord> Events,
    string? TraceParent,
    long Sent = 0
)
{
    private const int Version = 1,
        VersionWithoutAllData = 2;

    private bool CarriesAllData
    {
        get
        {
            foreach (var e in Events)
                if (e.Data.IsEmpty)
                    return false;
            return true;
        }
    }

    /// <summary>Writes the message as UTF-8 JSON, without a signature.</summary>
    public byte[] ToBytes()
    {
        var output = new ArrayBufferWriter<byte>(256 + 512 * Events.Count);
        using (
            var json = new Utf8JsonWriter(
                output,
                new JsonWriterOptions
                {
                    SkipValidation = true,
                    Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
                }
            )
        )
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, CarriesAllData ? Version : VersionWithoutAllData);
            json.WriteString("epoch"u8, Epoch);
            json.WriteNumber("fence"u8, Fence);
            json.WriteNumber("sent"u8, Sent);
            json.WriteNumber("previous"u8, Previous);
            if (Events.Count > 0)
                json.WriteNumber("first"u8, Events[0].Position);
            json.WriteNumber("last"u8, Last);
            if (TraceParent is not null)
                json.WriteString("traceparent"u8, TraceParent);
            json.WriteStartArray("events"u8);
            foreach (var e in Events)
                Write(json, e);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return output.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, EventRecord e)
    {
        json.WriteStartObject();
        json.WriteNumber("position"u8, e.Position);
        json.WriteString("id"u8, e.Id);
        json.WriteString("topic"u8, e.Topic);
        json.WriteString("type"u8, e.Type);
        if (e.Key is not null)
            json.WriteString("key"u8, e.Key);
        json.WriteNumber("time"u8, e.Time.UtcTicks);
        if (e.TraceParent is not null)
            json.WriteString("traceparent"u8, e.TraceParent);
        if (!e.Data.IsEmpty)
        {
            json.WritePropertyName("data"u8);
            json.WriteRawValue(e.Data.Span, skipInputValidation: true);
        }
        json.WriteEndObject();
    }

    /// <summary>Reads a message. The events' data are slices of <paramref name="bytes"/>, which must not change
    /// afterwards.</summary>
    /// <exception cref="JsonException">The bytes are no such message, or its version is unknown, or its positions
    /// contradict each other.</exception>
    public static RelayMessage Parse(ReadOnlyMemory<byte> bytes)
    {
        var json = new Utf8JsonReader(bytes.Span);
        string epoch = "",
            member;
        string? traceParent = null;
        long version = 0,
            fence = 0,
            sent = 0,
            previous = 0,
            last = 0;
        var events = new List<EventRecord>();
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            member = json.GetString()!;
            json.Read();
            switch (member)
            {
                case "version":
                    version = json.GetInt64();
                    break;
                case "epoch":
                    epoch = json.GetString()!;
                    break;
                case "fence":
                    fence = json.GetInt64();
                    break;
                case "sent":
                    sent = json.GetInt64();
                    break;
                case "previous":
                    previous = json.GetInt64();
                    break;
                case "last":
                    last = json.GetInt64();
                    break;
                case "traceparent":
                    traceParent = json.GetString();
                    break;
                case "events":
                    while (json.Read() && json.TokenType == JsonTokenType.StartObject)
                        events.Add(ReadEvent(ref json, bytes));
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        if (version is not (Version or VersionWithoutAllData))
            throw new JsonException(
                $"The relay message has version {version}, newer than {VersionWithoutAllData}: update this server."
            );
        var message = new RelayMessage(epoch, fence, previous, last, events, traceParent, sent);
        return message.IsPlausible
            ? message
            : throw new JsonException("The positions of the relay message do not follow each other.");
    }

    private bool IsPlausible
    {
        get
        {
            var at = Previous;
            foreach (var e in Events)
            {
                if (e.Position <= at)
                    return false;
                at = e.Position;
            }
            return Epoch.Length > 0 && Previous >= 0 && at == Last;
        }
    }

    private static EventRecord ReadEvent(ref Utf8JsonReader json, ReadOnlyMemory<byte> bytes)
    {
        long position = 0,
            ticks = 0;
        Guid id = default;
        string topic = "",
            type = "";
        string? key = null,
            traceParent = null;
        ReadOnlyMemory<byte> data = default;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var member = json.GetString()!;
            json.Read();
            switch (member)
            {
                case "position":
                    position = json.GetInt64();
                    break;
                case "id":
                    id = json.GetGuid();
                    break;
                case "topic":
                    topic = json.GetString()!;
                    break;
                case "type":
                    type = json.GetString()!;
                    break;
                case "key":
                    key = json.GetString();
                    break;
                case "time":
                    ticks = json.GetInt64();
                    break;
                case "traceparent":
                    traceParent = json.GetString();
                    break;
                case "data":
                    var start = (int)json.TokenStartIndex;
                    json.Skip();
                    data = bytes[start..(int)json.BytesConsumed];
                    break;
                default:
                    json.Skip();
                    break;
            }
        }
        return new EventRecord(
            position,
            id,
            topic,
            type,
            key,
            data,
            new DateTimeOffset(ticks, TimeSpan.Zero),
            traceParent
        );
    }
}
