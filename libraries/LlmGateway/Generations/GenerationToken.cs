namespace LlmGateway.Generations;

// Data of the events of a generation.

internal sealed record GenerationToken(string Text);

internal sealed record GenerationToolUse(string Id, string Tool, JsonNode Input);

/// <summary>Number of the attempt with which another replica continues the answer.</summary>
internal sealed record GenerationRestarted(int Attempt);

internal sealed record GenerationDone(string FinishReason, GenerationUsage Usage);

/// <summary>Input and output tokens.</summary>
internal sealed record GenerationUsage(long InputTokens, long OutputTokens);

/// <summary>Data of the event that announces a generation.</summary>
/// <param name="Provider">Name of the provider.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="CreatedAt">Time of the request.</param>
/// <param name="Owner">User who made the request and may read the answer, or null if the request was anonymous.</param>
internal sealed record GenerationStarted(string Provider, string Model, DateTimeOffset CreatedAt, string? Owner = null);

/// <summary>An error inside a stream.</summary>
internal sealed record StreamError(string Error, bool Fatal, string Reason);
