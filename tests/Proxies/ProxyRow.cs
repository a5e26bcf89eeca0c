namespace Proxies;

/// <summary>Findings on a proxy that is configured in one way. A cell is empty until it was measured.</summary>
internal sealed record ProxyRow(string Name, Configured? Configured, string TotalAge)
{
    public static IReadOnlyList<string> Heads { get; } =
    [
        "proxy",
        "first frame",
        "an event",
        "silence",
        "total age",
        "departed client is listed",
        "replica dies: the body is",
        "streams per HTTP/2 connection",
        "longest query",
        "address that counts",
    ];

    public string First { get; set; } = "";
    public string Event { get; set; } = "";
    public string Silence { get; set; } = "";
    public string Departed { get; set; } = "";
    public string Death { get; set; } = "";
    public string Http2 { get; set; } = "";
    public string Query { get; set; } = "";
    public string Address { get; set; } = "";

    /// <summary>Why it could not be measured.</summary>
    public string? Failure { get; set; }

    public string Title => Configured is { } how ? $"{Name}, {how.ToString().ToLowerInvariant()}" : Name;

    public IReadOnlyList<string> Cells =>
        Failure is null
            ? [Title, First, Event, Silence, TotalAge, Departed, Death, Http2, Query, Address]
            : [Title, Failure];
}
