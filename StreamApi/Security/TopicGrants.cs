using EventStore;

namespace StreamApi.Security;

/// <summary>
/// Which topics somebody may read and publish to. <c>&gt;</c> and <c>*</c> stand for everything but the system's own
/// <c>$sys</c>, as in
/// NATS: that takes a grant which names it, and whoever has one is an operator.
/// </summary>
internal sealed class TopicGrants(IReadOnlyList<string> read, IReadOnlyList<string> publish)
{
    public const string System = "$sys";

    public static TopicGrants None { get; } = new([], []);

    public static TopicGrants All { get; } = new([">", "$sys.>"], [">"]);

    /// <summary>What a subscription without topics gets: everything that may be read, the system's own aside.</summary>
    public IReadOnlyList<string> Readable { get; } = [.. read.Where(p => !IsOfSystem(p))];

    public bool ReadsEverything => Readable.Contains(">");

    /// <summary>Whether every topic that this one stands for may be read.</summary>
    public bool MayRead(string topicOrPattern) => Any(read, topicOrPattern);

    public bool MayPublish(string topicOrPattern) => Any(publish, topicOrPattern);

    public static bool IsOfSystem(string topicOrPattern) =>
        topicOrPattern.StartsWith(System, StringComparison.Ordinal)
        && (topicOrPattern.Length == System.Length || topicOrPattern[System.Length] == '.');

    /// <summary>Whether this is a topic or pattern, the system's own included.</summary>
    public static bool IsGrant(string? text) =>
        TopicPattern.IsTopicOrPattern(IsOfSystem(text ?? "") ? text![1..] : text);

    private static bool Any(IReadOnlyList<string> grants, string wanted)
    {
        foreach (var grant in grants)
            if (Covers(grant, wanted))
                return true;
        return false;
    }

    private static bool Covers(string grant, string wanted) =>
        (IsOfSystem(grant) || !IsOfSystem(wanted)) && TopicPattern.Matches(grant, wanted);
}
