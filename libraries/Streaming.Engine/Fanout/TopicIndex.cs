namespace Streaming.Fanout;

/// <summary>
/// Finds the filter rings that match a topic, with a trie over the tokens of their topics and patterns. The cost of a
/// look-up grows with the matches, not with the topics or subscribers.
/// </summary>
/// <remarks>
/// Patterns with several <c>*</c> are kept apart: in the trie they could double the branches at each token
/// (docs/decisions/0033). With one <c>*</c> each, a look-up of n tokens examines at most about n²/2 nodes.
/// </remarks>
internal sealed class TopicIndex
{
    private const int TokensPerPart = 8_192;

    private readonly Node _root = new();
    private readonly PatternMap<List<FilterRing>> _wide = new();
    private readonly List<List<FilterRing>> _wideMatches = [];

    /// <summary>Nodes and words examined so far: the cost of all look-ups.</summary>
    public long Examined { get; private set; }

    public void Add(FilterRing ring)
    {
        foreach (var topic in ring.Filter.Events.Topics)
            (IsWide(topic) ? WideLeaf(topic) : Leaf(topic)).Add(ring);
    }

    /// <remarks>Thousands of rings may leave at once and share one list, so each list is scanned once.</remarks>
    public void Remove(IReadOnlySet<FilterRing> rings)
    {
        var cleaned = new HashSet<List<FilterRing>>(ReferenceEqualityComparer.Instance);

        foreach (var ring in rings)
        foreach (var topic in ring.Filter.Events.Topics)
            if (!IsWide(topic))
                Prune(_root, topic, Clean);
            else if (_wide.Get(topic) is { } list && Clean(list))
                _wide.Remove(topic);

        bool Clean(List<FilterRing> list)
        {
            if (cleaned.Add(list))
                list.RemoveAll(rings.Contains);
            return list.Count == 0;
        }
    }

    /// <summary>Splits rings into parts that are each removed in about a millisecond, because the live feed waits
    /// meanwhile.</summary>
    public static IEnumerable<HashSet<FilterRing>> Parts(IReadOnlyList<FilterRing> rings)
    {
        var part = new HashSet<FilterRing>();
        var tokens = 0;

        foreach (var ring in rings)
        {
            part.Add(ring);
            if ((tokens += ring.Filter.Tokens) < TokensPerPart)
                continue;
            yield return part;
            part = [];
            tokens = 0;
        }

        if (part.Count > 0)
            yield return part;
    }

    /// <summary>True if no ring and no node is left.</summary>
    public bool IsEmpty => _root.IsEmpty && _wide.Count == 0;

    /// <summary>Adds every ring with a matching pattern to <paramref name="found"/>. A ring with two such patterns is
    /// added twice.</summary>
    public void Match(string topic, List<FilterRing> found)
    {
        Match(_root, topic, found);
        if (_wide.Count == 0)
            return;

        _wideMatches.Clear();
        Examined += _wide.Find(topic, _wideMatches);

        foreach (var list in _wideMatches)
            found.AddRange(list);
    }

    private void Match(Node node, ReadOnlySpan<char> rest, List<FilterRing> found)
    {
        Examined++;

        if (node.Below is { } below)
            found.AddRange(below);

        var dot = rest.IndexOf('.');
        var token = dot < 0 ? rest : rest[..dot];
        if (
            node.Children is { } children
            && children.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(token, out var child)
        )
            Step(child, dot, rest, found);

        if (node.AnyToken is { } any)
            Step(any, dot, rest, found);

        void Step(Node next, int dot, ReadOnlySpan<char> rest, List<FilterRing> found)
        {
            if (dot >= 0)
                Match(next, rest[(dot + 1)..], found);
            else if (next.Here is { } here)
                found.AddRange(here);
        }
    }

    private static bool IsWide(string pattern) => pattern.AsSpan().Count('*') > 1;

    private List<FilterRing> WideLeaf(string pattern)
    {
        if (_wide.Get(pattern) is { } list)
            return list;
        _wide.Add(pattern, list = new List<FilterRing>(1));
        return list;
    }

    private List<FilterRing> Leaf(string topic)
    {
        var node = _root;
        var tokens = topic.Split('.');
        for (var i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] == ">")
                return node.Below ??= new List<FilterRing>(1);
            node = tokens[i] == "*" ? node.AnyToken ??= new Node() : Child(node, tokens[i]);
        }

        return node.Here ??= new List<FilterRing>(1);

        static Node Child(Node parent, string token)
        {
            parent.Children ??= new Dictionary<string, Node>(StringComparer.Ordinal);
            if (!parent.Children.TryGetValue(token, out var child))
                parent.Children[token] = child = new Node();
            return child;
        }
    }

    /// <summary>
    /// Cleans the topic's list, and removes the nodes that led only to its rings. Returns true if the node is empty.
    /// </summary>
    private static bool Prune(Node node, ReadOnlySpan<char> rest, Func<List<FilterRing>, bool> isEmptied)
    {
        if (rest is ">")
        {
            if (node.Below is { } below && isEmptied(below))
                node.Below = null;
            return node.IsEmpty;
        }

        var dot = rest.IndexOf('.');
        var token = dot < 0 ? rest : rest[..dot];
        var next = token is "*" ? node.AnyToken : node.Children?.GetValueOrDefault(token.ToString());
        if (next is null)
            return node.IsEmpty;

        bool empty;
        if (dot >= 0)
            empty = Prune(next, rest[(dot + 1)..], isEmptied);
        else
        {
            if (next.Here is { } here && isEmptied(here))
                next.Here = null;
            empty = next.IsEmpty;
        }

        if (empty && token is "*")
            node.AnyToken = null;
        else if (empty)
            node.Children!.Remove(token.ToString());

        return node.IsEmpty;
    }

    private sealed class Node
    {
        public Dictionary<string, Node>? Children;
        public Node? AnyToken;
        public List<FilterRing>? Here;
        public List<FilterRing>? Below;
        public bool IsEmpty => Children is null or { Count: 0 } && AnyToken is null && Here is null && Below is null;
    }
}
