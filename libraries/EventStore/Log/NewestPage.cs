namespace AspireSse;

/// <summary>The newest event of each key in a part of the log, if they fit into a page.</summary>
/// <param name="Page">The events; if it ends before <paramref name="Through"/>, the next page has more.</param>
/// <param name="Skipped">Events of the part that have a newer one in it, or null without any.</param>
/// <param name="Through">The end of the part.</param>
internal sealed record NewestPage(EventPage Page, SkippedRange? Skipped, long Through);
