namespace AspireSse;

/// <summary>Delivery times in milliseconds, from the commit of an event to the socket, or null before the first
/// delivery.</summary>
/// <remarks>Needed to show the delivery times of <see cref="SseConnection"/> or <see cref="SseStats"/>.</remarks>
/// <param name="P50">The median.</param>
/// <param name="P95">The 95th percentile.</param>
/// <param name="P99">The 99th percentile.</param>
public sealed record SseLatency(double? P50, double? P95, double? P99);
