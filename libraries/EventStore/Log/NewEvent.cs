using System.Text.Json;
using EventStore;

namespace AspireSse;

/// <summary>An event to append. Its members are checked wherever they are set, so an event that cannot be stored cannot
/// be made.</summary>
/// <remarks>Needed to append several events at once, all or none, or to set an event's trace.</remarks>
public sealed record NewEvent
{
    /// <summary>Maximum characters of a type or a key. Subscriptions that filter by types or keys keep them in
    /// memory.</summary>
    public const int MaxNameLength = 256;

    private readonly string _type;
    private readonly string _data;
    private readonly string? _key;
    private readonly string? _traceParent;

    /// <summary>Creates an event whose data is JSON.</summary>
    /// <param name="topic">A topic without wildcards, of at most 32 tokens; each hole of an interpolated string is one
    /// token.</param>
    /// <param name="type">The SSE event name: 1 to 256 characters without CR, LF and NUL; not one of
    /// <see cref="ReservedTypes"/>.</param>
    /// <param name="data">One compact line of JSON, at most 64 levels deep.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event: at most 256 characters without
    /// NUL, or null without one.</param>
    /// <param name="id">The publisher's id, which makes the append idempotent for 24 h, or null for a new id.</param>
    /// <param name="traceParent">The trace that the event belongs to, at most 256 characters without NUL, or null for
    /// none.</param>
    /// <exception cref="ArgumentException">A member is invalid, or has an unpaired surrogate.</exception>
    public NewEvent(
        EventTopic topic,
        string type,
        string data,
        string? key = null,
        Guid? id = null,
        string? traceParent = null
    )
        : this(topic.ToString(), EventRules.Type(type), new OwnJson(EventRules.Data(data)), key, id, traceParent) { }

    // The type may be reserved, and the JSON is not parsed again.
    private NewEvent(string topic, string type, OwnJson json, string? key, Guid? id, string? traceParent)
    {
        Topic = EventRules.Topic(topic);
        Id = id;
        _type = EventRules.OwnType(type);
        _data = json.Text;
        _key = EventRules.Key(key);
        _traceParent = EventRules.TraceParent(traceParent);
    }

    /// <summary>Types of the events that streams send themselves. No published event has them, so that a client can
    /// trust them.</summary>
    public static IReadOnlyList<string> ReservedTypes => EventStore.ReservedTypes.All;

    public string Topic { get; }

    public Guid? Id { get; init; }

    public string Type
    {
        get => _type;
        init => _type = EventRules.Type(value);
    }

    public string Data
    {
        get => _data;
        init => _data = EventRules.Data(value);
    }

    public string? Key
    {
        get => _key;
        init => _key = EventRules.Key(value);
    }

    public string? TraceParent
    {
        get => _traceParent;
        init => _traceParent = EventRules.TraceParent(value);
    }

    /// <summary>Creates an event whose data is a value as JSON.</summary>
    /// <param name="topic">A topic without wildcards; each hole of an interpolated string is one token.</param>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">The value, which is written now with all its members, whatever type its variable has.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event, or null without one.</param>
    /// <param name="id">The id that makes a retry append nothing, for 24 h, or null for a new one.</param>
    /// <param name="json">How the value is written: <see cref="IEventLog.Json"/> writes it as the application's
    /// endpoints do. Null for names in camel case, by reflection.</param>
    /// <exception cref="ArgumentException">A member is invalid: see <see cref="NewEvent"/>. Or the value cannot be
    /// JSON, such as one with an unpaired surrogate or too many levels.</exception>
    public static NewEvent Of<T>(
        EventTopic topic,
        string type,
        T data,
        string? key = null,
        Guid? id = null,
        JsonSerializerOptions? json = null
    )
    {
        var written = (json ?? ReadableJsonEncoder.Web).Write(data);
        // Other values are checked, since converters of the application may write any text.
        return typeof(T) == typeof(JsonElement) && json is null
            ? new NewEvent(topic.ToString(), EventRules.Type(type), new OwnJson(written), key, id, EventTracing.Current)
            : new NewEvent(topic, type, written, key, id, EventTracing.Current);
    }

    /// <summary>Creates an event of the system itself, whose type may be one of <see cref="ReservedTypes"/>.</summary>
    /// <param name="json">One line of JSON, written by this code or checked before.</param>
    /// <exception cref="ArgumentException">The topic, the type or the key is invalid.</exception>
    internal static NewEvent Own(
        string topic,
        string type,
        string json,
        string? key = null,
        Guid? id = null,
        string? traceParent = null,
        RunMark? run = null
    ) => new(topic, type, new OwnJson(json), key, id, traceParent) { Run = run };

    /// <summary>The writer if the topic is that of a run, or null. The event is refused once the run does not belong to
    /// this writer, and the event's id makes no retry idempotent.</summary>
    internal RunMark? Run { get; init; }

    private readonly record struct OwnJson(string Text);
}

/// <summary>The writer of a run's event (<see cref="RunWriterLeases"/>). No event follows the one that ends the
/// run.</summary>
internal sealed record RunMark(Guid Writer, bool Ends = false);
