using System.Text.Json.Serialization;

namespace AspireSse.Client;

/// <summary>The first event of a stream.</summary>
/// <param name="ConnectionId">The server's id of this connection.</param>
/// <param name="Replica">The replica that serves the connection.</param>
/// <param name="Epoch">The epoch of the store, which prefixes every id.</param>
/// <param name="Head">The newest id when the stream opened.</param>
public sealed record SseConnected(
    [property: JsonRequired] string ConnectionId,
    string? Replica,
    string? Epoch,
    string? Head
);

/// <summary>
/// The server could not resume from the last id. Events may be missing, so state built from them must be read again.
/// </summary>
/// <param name="Reason"><c>expired</c> (continues from the oldest stored event), or <c>epoch</c>, <c>future</c>,
/// <c>malformed</c> (continue from the head).</param>
/// <param name="Requested">The id as sent.</param>
/// <param name="ResumedFrom">The id after which the stream continues.</param>
public sealed record SseResync(
    [property: JsonRequired] string Reason,
    string? Requested,
    [property: JsonRequired] string ResumedFrom
);

/// <summary>The credentials end this connection, or soon will.</summary>
/// <param name="Reason"><c>expiring</c>, <c>expired</c>, or <c>replaced</c>: another connection has taken over the
/// ticket.</param>
/// <param name="ExpiresAt">The end of the credentials.</param>
public sealed record SseUnauthorized([property: JsonRequired] string Reason, DateTimeOffset? ExpiresAt);

/// <summary>Events that were skipped for a slow reader with <c>slow=latest</c>.</summary>
/// <param name="From">First skipped position.</param>
/// <param name="To">Last skipped position.</param>
/// <param name="Count">Number of skipped events.</param>
public sealed record SseSkipped(
    [property: JsonRequired] string From,
    [property: JsonRequired] string To,
    [property: JsonRequired] long Count
);
