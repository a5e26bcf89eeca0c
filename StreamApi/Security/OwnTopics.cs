using EventStore;

namespace StreamApi.Security;

/// <summary>
/// What the server itself says, and nobody else through <c>POST /v1/events</c>: an order's step or a generation's token
/// that a publisher
/// made up would be believed. Those topics change through their own endpoints.
/// </summary>
internal static class OwnTopics
{
    private static readonly string[] Patterns =
    [
        "sse.ticks",
        "sse.resilient.>",
        "petstore.>",
        "tasks.>",
        "generations.>",
        "agents.>",
        "sessions.>",
        "recommendations.>",
    ];

    /// <summary>Events that streams send of themselves: a reader must be able to believe them.</summary>
    private static readonly string[] Types = ["connected", "resync", "skipped", "unauthorized", "error"];

    public static bool IsReserved(string topic)
    {
        foreach (var pattern in Patterns)
            if (TopicPattern.Matches(pattern, topic))
                return true;
        return false;
    }

    public static bool IsReservedType(string type) => Array.IndexOf(Types, type) >= 0;

    public static string ReservedTypes => string.Join(", ", Types);
}
