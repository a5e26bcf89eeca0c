namespace EventStore;

/// <summary>A stored event of a run, with the time of its append by Postgres's clock (UTC).</summary>
/// <param name="OfLog">True for an event of the run's log, which readers of its stream do not get.</param>
internal sealed record RunEntry(long Position, bool OfLog, string Type, string? Key, string Data, DateTimeOffset Time);
