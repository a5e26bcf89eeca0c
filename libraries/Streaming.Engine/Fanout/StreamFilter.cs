using System.Text;
using Streaming.Frames;

namespace Streaming.Fanout;

/// <summary>Selects a connection's events and their format. Equal filters share a <see cref="FilterRing"/>.</summary>
internal sealed class StreamFilter : IEquatable<StreamFilter>
{
    private readonly string _key;

    public StreamFilter(
        IReadOnlyCollection<string> topics,
        IReadOnlyCollection<string> types,
        IReadOnlyCollection<string> keys,
        FrameFormat format,
        IReadOnlyCollection<string>? except = null
    )
    {
        Events = EventFilter.Of(Distinct(topics), Distinct(types), Distinct(keys), Distinct(except ?? []));
        Format = format;

        foreach (var topic in Events.Topics)
            Tokens += topic.AsSpan().Count('.') + 1;

        // Lists in canonical order with length prefixes, so that no content can imitate another list.
        var key = new StringBuilder();
        foreach (
            var list in (ReadOnlySpan<IReadOnlyList<string>>)[Events.Topics, Events.Types, Events.Keys, Events.Except]
        )
        {
            foreach (var value in list)
                key.Append(value.Length).Append(':').Append(value);
            key.Append('|');
        }

        _key = key.ToString();

        static string[] Distinct(IReadOnlyCollection<string> values) =>
            values.Count < 2 ? [.. values] : [.. values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    public EventFilter Events { get; }
    public FrameFormat Format { get; }

    /// <summary>The first tokens of the topics that it selects, or null for any.</summary>
    public IReadOnlyList<string>? FirstTokens => EventStore.FirstTokens.Of(Events.Topics);

    /// <summary>Returns the id of a place in a stream of this filter.</summary>
    public string IdOf(StreamPosition at) => Events.Topics is [var topic, ..] ? Format.IdOf(at, topic) : at.ToString();

    /// <summary>Tokens of all topics. They determine the memory and time that the filter takes in an index.</summary>
    public int Tokens { get; }

    /// <summary>Returns true if an event of a matching topic passes the types and keys.</summary>
    public bool Passes(EventRecord record) =>
        Events.Passes(record.Type, record.Key) && !Events.IsExcepted(record.Topic);

    public bool Equals(StreamFilter? other) => other is not null && Format.Equals(other.Format) && _key == other._key;

    public override bool Equals(object? obj) => Equals(obj as StreamFilter);

    public override int GetHashCode() => _key.GetHashCode(StringComparison.Ordinal);
}
