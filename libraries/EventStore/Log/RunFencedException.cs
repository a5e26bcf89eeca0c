namespace AspireSse;

/// <summary>The run has ended, perhaps because its writer lost its lease; nothing was appended.</summary>
internal sealed class RunFencedException(string run) : Exception($"The run {run} no longer belongs to this writer.");
