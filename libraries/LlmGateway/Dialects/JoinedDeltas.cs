using System.Text;

namespace LlmGateway.Dialects;

/// <summary>
/// Combines a stream's deltas into the object of an answer without streaming. Texts and lists are appended; list items
/// with the same <c>index</c> are combined.
/// <code>
/// {"text":"Hel","calls":[{"index":0,"id":"c1","arguments":"{"}]}
/// {"text":"lo","calls":[{"index":0,"arguments":"}"}]}
/// {"text":"Hello","calls":[{"id":"c1","arguments":"{}"}]}
/// </code>
/// </summary>
internal sealed class JoinedDeltas
{
    /// <summary>Members that name or sign something, which a provider may repeat in each delta. The last value replaces
    /// the earlier ones, unless it is empty.</summary>
    private static readonly HashSet<string> Names =
    [
        .. "call_id finish_reason format id media_type mime_type model name".Split(' '),
        .. "native_finish_reason object role signature status thought_signature type".Split(' '),
    ];

    /// <summary>Estimated bytes of a member, without its text.</summary>
    private const int MemberBytes = 150;

    // The items of a list are named by their index, or by their place.
    private readonly OrderedDictionary<string, object?> _members = [];

    public int Count => _members.Count;

    /// <summary>Adds a delta, and returns the estimated bytes of memory that it takes.</summary>
    public long Add(JsonObject delta)
    {
        var bytes = 0L;
        foreach (var (name, value) in delta)
            bytes += Add(name, value);
        return bytes;
    }

    /// <summary>Adds a delta to an item of a list.</summary>
    /// <param name="index">Number of the item, or null for a new item without a number.</param>
    /// <inheritdoc cref="Add(JsonObject)" path="/summary"/>
    public long AddItem(long? index, JsonNode? delta) => Add(index is null ? $"at {Count}" : $"{index}", delta);

    public JsonObject ToJson() => new(_members.Select(member => KeyValuePair.Create(member.Key, ToJson(member.Value))));

    /// <summary>Returns the items of a list.</summary>
    public JsonArray ToList()
    {
        var list = new JsonArray([.. _members.Values.Select(ToJson)]);
        foreach (var item in list.OfType<JsonObject>().Where(item => IndexOf(item) is not null))
            item.Remove("index");
        return list;
    }

    private long Add(string name, JsonNode? value)
    {
        var known = _members.GetValueOrDefault(name);
        var bytes = known is null && value is not null ? MemberBytes : 0L;
        _members[name] = Joined(name, known, value, ref bytes);
        return bytes;
    }

    private static object? Joined(string name, object? known, JsonNode? value, ref long bytes)
    {
        switch (value)
        {
            case null:
                return known;
            case JsonObject one:
                var joined = known as JoinedDeltas ?? new JoinedDeltas();
                bytes += joined.Add(one);
                return joined;
            case JsonArray all:
                var list = known as JoinedList ?? new JoinedList(new JoinedDeltas());
                foreach (var item in all)
                    bytes += list.Items.AddItem(IndexOf(item), item);
                return list;
            case JsonValue text when text.TryGetValue<string>(out var piece) && piece.Length == 0 && known is not null:
                return known;
            case JsonValue text when !Names.Contains(name) && text.TryGetValue<string>(out var piece):
                bytes += sizeof(char) * (long)piece.Length;
                return (known as StringBuilder ?? new StringBuilder()).Append(piece);
            default:
                return value.DeepClone();
        }
    }

    private static long? IndexOf(JsonNode? item) => WireJson.Number(item, "index");

    private static JsonNode? ToJson(object? value) =>
        value switch
        {
            JoinedDeltas joined => joined.ToJson(),
            JoinedList list => list.Items.ToList(),
            StringBuilder text => text.ToString(),
            _ => (value as JsonNode)?.DeepClone(),
        };

    private sealed record JoinedList(JoinedDeltas Items);
}
