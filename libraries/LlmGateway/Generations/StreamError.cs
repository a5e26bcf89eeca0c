namespace LlmGateway.Generations;

/// <summary>An error inside a stream.</summary>
internal sealed record StreamError(string Error, bool Fatal, string Reason);
