namespace AspireSse;

/// <param name="Type">For readers who get only the data.</param>
internal sealed record RunError(string? Type, string Error, bool Fatal, string Reason);
