using System.Text;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>
/// Divides the topics into slots. The relay publishes the events of a slot on a channel of its own, so that a stream
/// server receives only the slots of its readers. All services must use the same number of slots and tokens.
/// </summary>
public sealed class TopicSlots(IOptions<EventStoreOptions> options)
{
    /// <summary>Number of slots.</summary>
    public int Count { get; } = options.Value.Slots;

    /// <summary>Number of leading tokens of a topic that decide its slot.</summary>
    public int Tokens { get; } = options.Value.SlotTokens;

    /// <summary>Returns a topic's slot: FNV-1a over the UTF-8 of its first tokens, modulo the number of slots. The same
    /// on every machine and in every version.</summary>
    public int Of(ReadOnlySpan<char> topic)
    {
        var leading = Leading(topic);
        Span<byte> bytes = stackalloc byte[TopicPattern.MaxLength * 3];
        var length = Encoding.UTF8.GetBytes(leading[..Math.Min(leading.Length, TopicPattern.MaxLength)], bytes);
        var hash = 2_166_136_261u;
        foreach (var b in bytes[..length])
            hash = (hash ^ b) * 16_777_619;
        // FNV-1a mixes the high bits better than the low ones.
        hash ^= hash >> 15;
        return (int)(hash % (uint)Count);
    }

    /// <summary>Returns the slots that events of these topics and patterns can be in: every slot if a pattern has a
    /// wildcard within the leading tokens, or if there is no topic.</summary>
    public SlotSet NeededBy(IReadOnlyCollection<string> topics)
    {
        var slots = new SlotSet(Count);
        foreach (var topic in topics)
        {
            if (TopicPattern.IsPattern(Leading(topic).ToString()))
                return SlotSet.All(Count);
            slots.Add(Of(topic));
        }
        return topics.Count == 0 ? SlotSet.All(Count) : slots;
    }

    private ReadOnlySpan<char> Leading(ReadOnlySpan<char> topic)
    {
        var end = -1;
        for (var tokens = 0; tokens < Tokens; tokens++)
        {
            var dot = topic[(end + 1)..].IndexOf('.');
            if (dot < 0)
                return topic;
            end += dot + 1;
        }
        return topic[..end];
    }
}
