using System.Text.Json.Serialization;

namespace AspireSse.Client;

/// <summary>The first event of a stream.</summary>
/// <param name="ConnectionId">The server's name for this connection.</param>
/// <param name="Replica">The replica that serves it.</param>
/// <param name="Epoch">The history that ids belong to.</param>
/// <param name="Head">The newest id when the stream was opened.</param>
public sealed record SseConnected(
    [property: JsonRequired] string ConnectionId,
    string? Replica,
    string? Epoch,
    string? Head
);

/// <summary>The last id could not be honoured: events may be missing, and state that was built from them must be read
/// again.</summary>
/// <param name="Reason"><c>expired</c> (goes on from the oldest kept), <c>epoch</c>, <c>future</c> or <c>malformed</c>
/// (go on from the head).</param>
/// <param name="Requested">The id as sent.</param>
/// <param name="ResumedFrom">The id after which the stream goes on.</param>
public sealed record SseResync(
    [property: JsonRequired] string Reason,
    string? Requested,
    [property: JsonRequired] string ResumedFrom
);

/// <summary>Events left out for a slow reader that asked for it (<c>slow=latest</c>).</summary>
/// <param name="From">First position left out.</param>
/// <param name="To">Last position left out.</param>
/// <param name="Count">How many.</param>
public sealed record SseSkipped(
    [property: JsonRequired] string From,
    [property: JsonRequired] string To,
    [property: JsonRequired] long Count
);
