using System.Runtime.InteropServices;
using EventStore;

namespace StreamApi.Connections;

/// <summary>
/// Counts the streams that read a topic, with a tree of the tokens of their filters. A lookup costs as much as the
/// filters that match besides the most common one. Immutable, so safe for any thread.
/// </summary>
internal sealed class SubscriberCounts
{
    private readonly Node _root = new();
    private readonly List<int> _streams = [];

    /// <param name="filters">Topics and patterns of each filter, and the number of streams with it.</param>
    public SubscriberCounts(IEnumerable<(IReadOnlyList<string> Topics, int Streams)> filters)
    {
        foreach (var (topics, streams) in filters)
        {
            foreach (var topic in topics)
                if (TopicPattern.IsTopicOrPattern(topic))
                    Add(topic, _streams.Count, streams);
            _streams.Add(streams);
        }
    }

    /// <summary>Returns the number of streams that read a topic; each stream counts once.</summary>
    public int Of(string topic)
    {
        var matching = new List<Readers>();
        Find(_root, topic, matching);
        if (matching.Count == 0)
            return 0;
        matching.Sort((a, b) => b.Filters.Count.CompareTo(a.Filters.Count));
        var (first, sum, seen) = (matching[0].Filters, matching[0].Streams, new HashSet<int>());
        foreach (var readers in CollectionsMarshal.AsSpan(matching)[1..])
        foreach (var filter in readers.Filters)
            if (!first.Contains(filter) && seen.Add(filter))
                sum += _streams[filter];
        return sum;
    }

    private void Add(string pattern, int filter, int streams)
    {
        var node = _root;
        foreach (var token in pattern.Split('.'))
        {
            if (token == ">")
            {
                (node.Rest ??= new Readers()).Add(filter, streams);
                return;
            }
            if (token == "*")
                node = node.AnyToken ??= new Node();
            else
            {
                node.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
                if (!node.Children.TryGetValue(token, out var child))
                    node.Children[token] = child = new Node();
                node = child;
            }
        }
        (node.Here ??= new Readers()).Add(filter, streams);
    }

    private static void Find(Node node, ReadOnlySpan<char> rest, List<Readers> found)
    {
        if (node.Rest is { } ofRest)
            found.Add(ofRest);
        var dot = rest.IndexOf('.');
        var token = dot < 0 ? rest : rest[..dot];
        if (
            node.Children is { } children
            && children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var child)
        )
            Go(child, dot, rest, found);
        if (node.AnyToken is { } any)
            Go(any, dot, rest, found);

        static void Go(Node next, int dot, ReadOnlySpan<char> rest, List<Readers> found)
        {
            if (dot >= 0)
                Find(next, rest[(dot + 1)..], found);
            else if (next.Here is { } here)
                found.Add(here);
        }
    }

    private sealed class Node
    {
        public Dictionary<string, Node>? Children;
        public Node? AnyToken;
        public Readers? Here,
            Rest;
    }

    /// <summary>Filters with one pattern, and the total of their streams.</summary>
    private sealed class Readers
    {
        public HashSet<int> Filters { get; } = [];
        public int Streams { get; private set; }

        public void Add(int filter, int streams)
        {
            if (Filters.Add(filter))
                Streams += streams;
        }
    }
}
