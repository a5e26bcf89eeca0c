namespace Streaming.Endpoints;

/// <summary>Marks an endpoint whose route has ids that the server made: any other value gets 404, even one that is not
/// a token.</summary>
internal sealed record ServerIssuedIds;
