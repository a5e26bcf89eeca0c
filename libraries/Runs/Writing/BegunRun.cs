namespace Runs;

/// <param name="Announced">Position of its announcement; a reader that starts after it gets the whole run.</param>
/// <param name="Run">The run to write, or null if it was begun before.</param>
internal readonly record struct BegunRun(RunName Name, StreamPosition Announced, Run? Run);
