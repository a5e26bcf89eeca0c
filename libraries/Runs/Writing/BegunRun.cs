namespace Runs;

/// <param name="Announced">Position of the run's announcement; a reader that starts after it gets the whole
/// run.</param>
/// <param name="Run">The run to write, or null if an earlier request began it.</param>
internal readonly record struct BegunRun(RunName Name, StreamPosition Announced, Run? Run);
