using System.Text;
using LlmGateway.Providers;

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
        "call_id",
        "finish_reason",
        "format",
        "id",
        "media_type",
        "mime_type",
        "model",
        "name",
        "native_finish_reason",
        "object",
        "role",
        "signature",
        "status",
        "thought_signature",
        "type",
    ];

    /// <summary>Estimated bytes of a JSON node, without its text.</summary>
    private const int NodeBytes = 100;

    private readonly OrderedDictionary<string, object?> _members = [];

    /// <summary>Adds a delta, and returns the estimated bytes of memory that it takes.</summary>
    public long Add(JsonObject delta)
    {
        var bytes = 0L;
        foreach (var (name, value) in delta)
            _members[name] = Join(name, _members.GetValueOrDefault(name), value, ref bytes);
        return bytes;
    }

    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach (var (name, value) in _members)
            json[name] = ToJson(value);
        return json;
    }

    private static object? Join(string name, object? known, JsonNode? value, ref long bytes)
    {
        if (value is null)
            return known;

        if (known is null)
            bytes += NodeBytes;

        switch (value)
        {
            case JsonObject one:
                var joined = known as JoinedDeltas ?? new JoinedDeltas();
                bytes += joined.Add(one);
                return joined;
            case JsonArray all:
                var list = known as JoinedItems ?? new JoinedItems();
                foreach (var item in all)
                    bytes += list.Add(item);
                return list;
            case JsonValue text when text.TryGetValue<string>(out var piece) && piece.Length == 0 && known is not null:
                return known;
            case JsonValue text when !Names.Contains(name) && text.TryGetValue<string>(out var piece):
                bytes += MemoryOf(piece);
                return (known as StringBuilder ?? new StringBuilder()).Append(piece);
            default:
                return value.DeepClone();
        }
    }

    private static JsonNode? ToJson(object? value) =>
        value switch
        {
            JoinedDeltas joined => joined.ToJson(),
            JoinedItems items => items.ToJson(),
            StringBuilder text => text.ToString(),
            _ => (value as JsonNode)?.DeepClone(),
        };

    private static long MemoryOf(string text) => sizeof(char) * (long)text.Length;

    private static long MemoryOf(JsonNode? node) =>
        node switch
        {
            JsonObject one => NodeBytes + one.Sum(member => MemoryOf(member.Value)),
            JsonArray all => NodeBytes + all.Sum(MemoryOf),
            JsonValue text when text.TryGetValue<string>(out var some) => NodeBytes + MemoryOf(some),
            _ => NodeBytes,
        };

    private sealed class JoinedItems
    {
        private readonly SortedDictionary<long, JoinedDeltas> _indexed = [];
        private readonly List<JsonNode?> _others = [];

        public long Add(JsonNode? item)
        {
            if (item is JsonObject one && WireJson.Number(one, "index") is { } index)
            {
                if (!_indexed.TryGetValue(index, out var joined))
                    _indexed[index] = joined = new JoinedDeltas();
                return joined.Add(one);
            }

            _others.Add(item?.DeepClone());
            return MemoryOf(item);
        }

        public JsonArray ToJson()
        {
            var all = new JsonArray();
            foreach (var joined in _indexed.Values)
            {
                var item = joined.ToJson();
                item.Remove("index");
                all.Add((JsonNode)item);
            }

            foreach (var other in _others)
                all.Add(other?.DeepClone());

            return all;
        }
    }
}
