using StreamApi.Connections;
using StreamApi.Replicas;
using Streaming.Endpoints;

namespace StreamApi.OpenApi;

/// <summary>The data of the events that the streams send by themselves, for the document.</summary>
internal static class ControlEvents
{
    /// <summary>Sent by every stream that resumes, where the id cannot be honoured.</summary>
    public static StreamEvent OfResync { get; } = new("resync", typeof(Resync));

    public static RouteHandlerBuilder SendsEvents(this RouteHandlerBuilder endpoint) =>
        endpoint
            .Query("topic", "A topic or pattern (* one token, > the rest), as often as wanted; none: everything.")
            .Query("type", "An event type, as often as wanted.")
            .Query("key", "An event key, as often as wanted.")
            .Query("envelope", "true: the data is the whole event.")
            .Query("from", "earliest or head.")
            .Query("slow", "catch-up, latest or disconnect.")
            .Sends(
                "Events of the topics, each under its type's name, as published.",
                ("connected", typeof(Connected)),
                ("resync", typeof(Resync)),
                ("skipped", typeof(Skipped)),
                ("*", typeof(object))
            );

    public static RouteHandlerBuilder SendsConnections(this RouteHandlerBuilder endpoint) =>
        endpoint.Sends(
            "The open connections of all replicas, and what changes about them.",
            ("snapshot", typeof(Snapshot)),
            ("update", typeof(Update))
        );

    private sealed record Connected(string ConnectionId, string Replica, string Epoch, string Head);

    private sealed record Resync(string Reason, string? Requested, string ResumedFrom);

    private sealed record Skipped(string From, string To, long Count);

    private sealed record Snapshot(IReadOnlyList<ConnectionRow> Connections, bool Partial);

    private sealed record Update(IReadOnlyList<ConnectionRow> Upserted, IReadOnlyList<string> Removed, bool Partial);
}
