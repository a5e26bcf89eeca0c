namespace AspireSse;

/// <param name="Gone">True if there is nothing to run: only an error is stored.</param>
/// <param name="Owner">The user whose request began it, or null if there is none.</param>
internal sealed record RunAnnouncement(bool? Gone = null, string? Owner = null);
