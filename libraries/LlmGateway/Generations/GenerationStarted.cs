namespace LlmGateway.Generations;

/// <summary>Data of the event that announces a generation.</summary>
/// <param name="Provider">Name of the provider.</param>
/// <param name="Model">Name of the model.</param>
/// <param name="CreatedAt">Time of the request.</param>
/// <param name="Owner">User who made the request and may read the answer, or null if the request was anonymous.</param>
internal sealed record GenerationStarted(string Provider, string Model, DateTimeOffset CreatedAt, string? Owner = null);
