namespace EventStore;

/// <summary>Types of the events that streams send themselves, so that a client can trust them.</summary>
internal static class ReservedTypes
{
    public static readonly IReadOnlyList<string> All =
    [
        "connected",
        "begin",
        "position",
        "resync",
        "skipped",
        "unauthorized",
        "error",
    ];

    /// <summary>The types, as a message to a publisher lists them.</summary>
    public static string Names { get; } = string.Join(", ", All);

    public static bool Include(string type) => All.Contains(type);
}
