namespace Streaming.Access;

/// <summary>
/// The topics that a caller may read and publish to. As in NATS, <c>&gt;</c> and <c>*</c> exclude the system's
/// <c>$sys</c> topics; a grant that names <c>$sys</c> is an operator's.
/// </summary>
internal sealed class TopicGrants(IReadOnlyList<string> read, IReadOnlyList<string> publish)
{
    public static TopicGrants None { get; } = new([], []);

    public static TopicGrants All { get; } = new([">", "$sys.>"], [">", SystemTopics.Connections]);

    /// <summary>Topics of a subscription that names none: every readable topic except the system's.</summary>
    public IReadOnlyList<string> Readable { get; } = [.. read.Where(p => !IsSystem(p))];

    public bool ReadsEverything => Readable.Contains(">");

    /// <summary>True if the caller may read every topic that this pattern matches.</summary>
    public bool MayRead(string topicOrPattern) => Any(read, topicOrPattern);

    public bool MayPublish(string topicOrPattern) => Any(publish, topicOrPattern);

    public static bool IsSystem(string topicOrPattern) =>
        topicOrPattern.StartsWith(SystemTopics.Root, StringComparison.Ordinal)
        && (topicOrPattern.Length == SystemTopics.Root.Length || topicOrPattern[SystemTopics.Root.Length] == '.');

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
