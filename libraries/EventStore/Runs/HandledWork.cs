namespace EventStore;

/// <summary>The work of a run, which a process that has the same handler may start again.</summary>
/// <param name="Input">JSON that the handler gets.</param>
/// <param name="Attempts">The most attempts that may be made.</param>
internal sealed record HandledWork(string Handler, string Input, int Attempts);
