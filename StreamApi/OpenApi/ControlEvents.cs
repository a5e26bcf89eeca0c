namespace StreamApi.OpenApi;

/// <summary>Describes the events that streams send by themselves.</summary>
internal static class ControlEvents
{
    /// <summary>Sent before a ticket or token expires, and at the end of its stream.</summary>
    private static readonly StreamEvent Unauthorized = new("unauthorized", typeof(UnauthorizedData));

    /// <summary>Tells where the stream is, or, at an end that the server chooses, when to reconnect.</summary>
    private static readonly StreamEvent Position = new("position", typeof(PositionData));

    private static readonly StreamEvent[] OfAll = [Position, Unauthorized];

    private static readonly StreamEvent[] OfResuming =
    [
        Position,
        // Sent if the last id cannot be honoured.
        new("resync", typeof(ResyncData)),
        // Sent to a slow client with slow=latest.
        new("skipped", typeof(SkippedData)),
        // Sent when the store cannot deliver what the client lacks.
        new("error", typeof(ErrorData)),
        Unauthorized,
    ];

    /// <summary>The first event of each resuming stream that has no <c>connected</c>.</summary>
    private static readonly StreamEvent Begin = new("begin", typeof(BeginData));

    /// <summary>Returns the events of a stream: its own, and those that it does not list itself.</summary>
    public static IEnumerable<StreamEvent> With(StreamMetadata stream)
    {
        var own = stream.Events.Select(e => e.Name).ToHashSet();
        StreamEvent[] first = stream.Resumes && !own.Contains("connected") ? [Begin] : [];
        return [.. stream.Events, .. first.Concat(stream.Resumes ? OfResuming : OfAll).ExceptBy(own, e => e.Name)];
    }

    private sealed record BeginData(string Type);

    private sealed record PositionData;

    private sealed record ResyncData(string Reason, string? Requested, string ResumedFrom);

    private sealed record SkippedData(string From, string To, long Count);

    private sealed record ErrorData(string Error, bool Fatal, string Reason);

    private sealed record UnauthorizedData(string Reason, DateTimeOffset? ExpiresAt);
}
