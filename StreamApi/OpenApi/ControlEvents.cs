namespace StreamApi.OpenApi;

/// <summary>Describes the events that streams send by themselves.</summary>
internal static class ControlEvents
{
    /// <summary>Sent before a ticket or token expires, and at the end of its stream.</summary>
    private static readonly StreamEvent Unauthorized = new("unauthorized", typeof(UnauthorizedData));

    private static readonly StreamEvent[] OfResuming =
    [
        // Sent if the last id cannot be honoured.
        new("resync", typeof(ResyncData)),
        // Sent to a slow client with slow=latest.
        new("skipped", typeof(SkippedData)),
        // Sent when the store cannot deliver what the client lacks.
        new("error", typeof(ErrorData)),
        Unauthorized,
    ];

    /// <summary>Returns the events of a stream: its own, and those that it does not list itself.</summary>
    public static IEnumerable<StreamEvent> With(StreamMetadata stream) =>
        [
            .. stream.Events,
            .. (stream.Resumes ? OfResuming : [Unauthorized]).ExceptBy(stream.Events.Select(e => e.Name), e => e.Name),
        ];

    private sealed record ResyncData(string Reason, string? Requested, string ResumedFrom);

    private sealed record SkippedData(string From, string To, long Count);

    private sealed record ErrorData(string Error, bool Fatal, string Reason);

    private sealed record UnauthorizedData(string Reason, DateTimeOffset? ExpiresAt);
}
