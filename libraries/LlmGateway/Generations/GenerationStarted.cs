namespace LlmGateway.Generations;

/// <summary>Data of the event that announces a generation.</summary>
/// <param name="Provider">Name of the provider.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="CreatedAt">Time of the request.</param>
/// <param name="Owner">User whose request it was, who may read the answer, or null for an anonymous one.</param>
internal sealed record GenerationStarted(string Provider, string Model, DateTimeOffset CreatedAt, string? Owner = null);
