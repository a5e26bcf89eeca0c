namespace AspireSse;

/// <param name="Gone">True if the run has no work, and only an error is stored.</param>
/// <param name="Owner">The user whose request began the run, or null if there is none.</param>
internal sealed record RunAnnouncement(bool? Gone = null, string? Owner = null);
