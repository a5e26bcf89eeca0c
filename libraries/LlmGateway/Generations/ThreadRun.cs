namespace LlmGateway.Generations;

internal sealed record ThreadRun(string Run);
