namespace EventStore;

/// <summary>A run in one snapshot, and the part of it that was read.</summary>
/// <param name="IsRunning">True if the run has a writer.</param>
/// <param name="From">Position of the first event that was read; 0 if there is no such run.</param>
internal readonly record struct RunExtent(string Epoch, bool IsRunning, long From, long Through, bool IsWhole);
