namespace AspireSse;

/// <summary>Events that a reader did not get: the positions of the first and the last, and their number.</summary>
internal sealed record SkippedRange(long From, long To, long Count);
