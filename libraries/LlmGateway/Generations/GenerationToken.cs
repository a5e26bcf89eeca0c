using System.Text.Json.Nodes;

namespace LlmGateway.Generations;

// Data of the events of a generation.

internal sealed record GenerationToken(string Text);

internal sealed record GenerationToolUse(string Id, string Tool, JsonNode Input);

/// <summary>Delay of the answer: <c>queued</c> or <c>retrying</c>.</summary>
internal sealed record GenerationWaits(string State, string Reason, int? Attempt, long? RetryInMs);

/// <summary>Number of the attempt with which another replica continues the answer.</summary>
internal sealed record GenerationRestarted(int Attempt);

internal sealed record GenerationDone(string FinishReason, GenerationUsage Usage);
