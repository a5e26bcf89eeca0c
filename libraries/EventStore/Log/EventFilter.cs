using System.Runtime.CompilerServices;
using EventStore;

namespace AspireSse;

/// <summary>A reader's filter by topics, types and keys: an event must match an entry of each list that is not empty.
/// Immutable.</summary>
/// <remarks>Needed to read only certain topics, types or keys of the log, such as the events of one order.</remarks>
public sealed class EventFilter
{
    private readonly HashSet<string>? _types;
    private readonly HashSet<string>? _keys;

    // Made at the first read of the log, which most filters of streams never do.
    private TopicPatternSet? _patterns;

    /// <param name="topics">Topics or patterns.</param>
    /// <param name="types">Event types wanted, or null for all.</param>
    /// <param name="keys">Event keys wanted, or null for all.</param>
    /// <exception cref="ArgumentException">A topic is invalid (<see cref="EventTopic.IsValid"/>), or a list is empty: a
    /// list that a request or a permission left without values must not select everything.</exception>
    public EventFilter(
        IReadOnlyList<EventTopic> topics,
        IReadOnlyList<string>? types = null,
        IReadOnlyList<string>? keys = null
    )
        : this(TextsOf(topics), (Wanted(types), Wanted(keys)))
    {
        if (topics.Count == 0)
            throw new ArgumentException("A filter needs a topic; all of them are EventFilter.All.", nameof(topics));
    }

    private EventFilter(IReadOnlyList<string> topics, (IReadOnlyList<string> Types, IReadOnlyList<string> Keys) events)
    {
        Topics = topics;
        (Types, Keys) = events;
        _types = Types.Count == 0 ? null : [.. Types];
        _keys = Keys.Count == 0 ? null : [.. Keys];
        HasAllTopics = topics.Count == 0 || topics.Contains(">");
    }

    public static EventFilter All { get; } = Of([], [], []);

    /// <summary>Topics or patterns (<see cref="TopicPattern"/>).</summary>
    public IReadOnlyList<string> Topics { get; }

    /// <summary>Event types; empty for all.</summary>
    public IReadOnlyList<string> Types { get; }

    /// <summary>Event keys; empty for all.</summary>
    public IReadOnlyList<string> Keys { get; }

    /// <summary>Topics or patterns that never match.</summary>
    internal IReadOnlyList<string> Except { get; init; } = [];

    internal bool IsAll => HasAllTopics && HasAllOfATopic && Except.Count == 0;

    internal bool HasAllTopics { get; }

    /// <summary>True if every event of a matching topic matches.</summary>
    internal bool HasAllOfATopic => _types is null && _keys is null;

    /// <summary>Creates a filter of topics and patterns that are already checked and allowed.</summary>
    internal static EventFilter Of(
        IReadOnlyList<string> topics,
        IReadOnlyList<string> types,
        IReadOnlyList<string> keys,
        IReadOnlyList<string>? except = null
    ) => new(topics, (types, keys)) { Except = except ?? [] };

    /// <summary>Returns the values that a caller wants; empty for all.</summary>
    /// <exception cref="ArgumentException">The list is empty, or has a null.</exception>
    internal static IReadOnlyList<string> Wanted(
        IReadOnlyList<string>? values,
        [CallerArgumentExpression(nameof(values))] string? name = null
    ) =>
        values switch
        {
            null => [],
            _ when values.Contains(null!) => throw new ArgumentException("A value is null.", name),
            // The caller's own list may change.
            { Count: > 0 } => [.. values],
            _ => throw new ArgumentException($"An empty list would match nothing. Leave {name} out for all.", name),
        };

    private static string[] TextsOf(IReadOnlyList<EventTopic> topics)
    {
        ArgumentNullException.ThrowIfNull(topics);
        return [.. topics.Select(topic => topic.ToString())];
    }

    internal bool MatchesTopic(string topic) =>
        (HasAllTopics || (_patterns ??= new TopicPatternSet(Topics)).Matches(topic)) && !IsExcepted(topic);

    internal bool IsExcepted(string topic)
    {
        for (var i = 0; i < Except.Count; i++)
            if (TopicPattern.Matches(Except[i], topic))
                return true;

        return false;
    }

    /// <summary>Returns true if an event of a matching topic matches.</summary>
    internal bool Passes(string type, string? key) =>
        _types?.Contains(type) != false && (_keys is null || (key is not null && _keys.Contains(key)));
}
