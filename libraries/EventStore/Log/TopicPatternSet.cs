namespace EventStore;

/// <summary>
/// The topics and patterns of a filter as a tree of tokens: the cost of a look-up does not grow with their number.
/// Immutable.
/// </summary>
internal sealed class TopicPatternSet
{
    private readonly Node _root = new();

    public TopicPatternSet(IEnumerable<string> patterns)
    {
        foreach (var pattern in patterns)
            Add(pattern);
    }

    /// <summary>Tells if any of the patterns matches the topic.</summary>
    /// <param name="topic">A valid topic, no pattern.</param>
    public bool Matches(string topic) => Matches(_root, topic);

    private static bool Matches(Node node, ReadOnlySpan<char> rest)
    {
        if (node.TakesRest)
            return true;
        var dot = rest.IndexOf('.');
        var token = dot < 0 ? rest : rest[..dot];
        return (
                node.Children is { } children
                && children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var child)
                && Goes(child, dot, rest)
            ) || (node.AnyToken is { } any && Goes(any, dot, rest));

        static bool Goes(Node next, int dot, ReadOnlySpan<char> rest) =>
            dot < 0 ? next.Ends : Matches(next, rest[(dot + 1)..]);
    }

    private void Add(string pattern)
    {
        var node = _root;
        foreach (var token in pattern.Split('.'))
        {
            if (token == ">")
            {
                node.TakesRest = true;
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
        node.Ends = true;
    }

    private sealed class Node
    {
        public Dictionary<string, Node>? Children;
        public Node? AnyToken;
        public bool Ends,
            TakesRest;
    }
}
