namespace EventStore;

/// <summary>Topics of the gateway (<c>AspireSse.LlmGateway</c>), in the log that all its applications share: prompts
/// and answers, which belong to their callers. A request's value never names them, in whichever application.</summary>
internal static class GatewayTopics
{
    private static readonly string[] Roots = ["agents", "generations", "sessions"];

    public static IEnumerable<string> Patterns => Roots.Select(root => $"{root}.>");

    /// <summary>Returns true for a topic or pattern whose first token is one of theirs.</summary>
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
