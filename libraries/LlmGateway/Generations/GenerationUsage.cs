namespace LlmGateway.Generations;

/// <summary>Input and output tokens.</summary>
internal sealed record GenerationUsage(long InputTokens, long OutputTokens);
