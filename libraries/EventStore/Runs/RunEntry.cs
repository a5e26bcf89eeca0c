namespace EventStore;

/// <summary>A stored event of a run, with the time of its append by Postgres's clock (UTC).</summary>
/// <param name="OfLog">True for an event of the run's log, which readers of its stream do not get.</param>
internal sealed record RunEntry(long Position, bool OfLog, string Type, string? Key, string Data, DateTimeOffset Time);

/// <summary>A run in one snapshot, and the part of it that was read.</summary>
/// <param name="IsRunning">True if the run has a writer.</param>
/// <param name="From">Position of the first event that was read; 0 if there is no such run.</param>
internal readonly record struct RunExtent(string Epoch, bool IsRunning, long From, long Through, bool IsWhole);
