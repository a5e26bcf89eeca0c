namespace Streaming.Endpoints;

/// <summary>Marks an endpoint whose streams also take a seat in the named pool.</summary>
internal sealed record StreamPool(string Name);
