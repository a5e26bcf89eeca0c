namespace Streaming.Endpoints;

/// <summary>Marks an endpoint of ids that the server gave: it answers 404 to others, even to non-tokens.</summary>
internal sealed record ServerIssuedIds;
