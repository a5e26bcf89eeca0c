namespace EventStore;

/// <summary>Topics of the gateway (<c>AspireSse.LlmGateway</c>), in a log that several applications may share. They
/// hold prompts and answers, which belong to their callers, so no application lets a value from a request name
/// them.</summary>
internal static class GatewayTopics
{
    private static readonly string[] Roots = ["agents", "generations", "sessions"];

    public static IEnumerable<string> Patterns => Roots.Select(root => $"{root}.>");

    /// <summary>Returns true for a topic or pattern whose first token is that of a gateway topic.</summary>
    public static bool Have(ReadOnlySpan<char> topic)
    {
        var end = topic.IndexOf('.');
        var first = end < 0 ? topic : topic[..end];
        foreach (var root in Roots)
            if (first.SequenceEqual(root))
                return true;
        return false;
    }
}
