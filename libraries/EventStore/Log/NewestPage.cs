using EventStore;

namespace AspireSse;

/// <summary>The newest event of each key in a part of the log, if they fit into a page.</summary>
/// <param name="Page">The events; if it ends before <paramref name="Through"/>, the next page has more.</param>
/// <param name="Skipped">Events that are left out because the part has a newer event of the same key, or null if there
/// are none.</param>
/// <param name="Through">The end of the part.</param>
internal sealed record NewestPage(LogPage Page, SkippedRange? Skipped, long Through);

/// <summary>Events that a reader did not get: the positions of the first and the last, and their number.</summary>
internal sealed record SkippedRange(long From, long To, long Count);
