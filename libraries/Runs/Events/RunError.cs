namespace AspireSse;

/// <param name="Type">The event's type, for clients that see only the data.</param>
internal sealed record RunError(string? Type, string Error, bool Fatal, string Reason);
