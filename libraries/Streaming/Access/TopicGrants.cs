namespace AspireSse.Server;

/// <summary>
/// The topics that a credential lets its caller read and publish to. As in NATS, <c>&gt;</c> and <c>*</c> exclude the
/// system's <c>$sys</c> topics; a grant that names <c>$sys</c> is an operator's. Immutable.
/// </summary>
/// <remarks>Needed only by an application that keeps the topics of each credential itself, as StreamApi does.</remarks>
/// <param name="read">Topics and patterns that the caller may read.</param>
/// <param name="publish">Topics and patterns that it may publish to.</param>
public sealed class TopicGrants(IReadOnlyList<string> read, IReadOnlyList<string> publish)
{
    private const string Root = "$sys";

    /// <summary>No topic.</summary>
    public static TopicGrants None { get; } = new([], []);

    /// <summary>Every topic, and the system's.</summary>
    public static TopicGrants All { get; } = new([">", "$sys.>"], [">", "$sys.>"]);

    /// <summary>Topics of a subscription that names none: every readable topic except the system's.</summary>
    public IReadOnlyList<string> Readable { get; } = [.. read.Where(p => !IsSystem(p))];

    /// <summary>True if <see cref="Readable"/> is every topic.</summary>
    public bool ReadsEverything => Readable.Contains(">");

    /// <summary>True if the caller may read every topic that this pattern matches.</summary>
    public bool MayRead(string topicOrPattern) => Any(read, topicOrPattern);

    /// <summary>True if the caller may publish to every topic that this pattern matches.</summary>
    public bool MayPublish(string topicOrPattern) => Any(publish, topicOrPattern);

    /// <summary>True for the system's topics and patterns, <c>$sys</c> and below. No event has such a topic.</summary>
    public static bool IsSystem(string topicOrPattern) =>
        topicOrPattern.StartsWith(Root, StringComparison.Ordinal)
        && (topicOrPattern.Length == Root.Length || topicOrPattern[Root.Length] == '.');

    /// <summary>True for a topic or pattern, including the system's.</summary>
    public static bool IsGrant(string? text) => TopicPattern.IsTopicOrPattern(IsSystem(text ?? "") ? text![1..] : text);

    private static bool Any(IReadOnlyList<string> grants, string wanted)
    {
        foreach (var grant in grants)
            if (Covers(grant, wanted))
                return true;
        return false;
    }

    private static bool Covers(string grant, string wanted) =>
        (IsSystem(grant) || !IsSystem(wanted)) && TopicPattern.Matches(grant, wanted);
}
