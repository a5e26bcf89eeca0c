namespace EventStore;

/// <summary>A run whose work a process has to start.</summary>
/// <param name="Attempt">The number of this attempt.</param>
/// <param name="IsCancelled">True if the run was cancelled while no process worked on it.</param>
/// <param name="At">Position of the run's last event; 0 before the first.</param>
internal sealed record HandledRun(string Topic, HandledWork Work, int Attempt, bool IsCancelled, long At);

/// <summary>The work of a run, which a process that has the same handler may start again.</summary>
/// <param name="Input">JSON that the handler gets.</param>
/// <param name="Attempts">The most attempts that may be made.</param>
internal sealed record HandledWork(string Handler, string Input, int Attempts);
