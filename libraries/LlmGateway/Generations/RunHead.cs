namespace LlmGateway.Generations;

/// <summary>Facts of a run that are known before its first event, the same on every replica.</summary>
/// <param name="At">Position before its first event.</param>
/// <param name="Provider">Name of the provider, or null if the run is an application's own.</param>
/// <param name="Model">Name of the model, or null if the run is an application's own.</param>
internal sealed record RunHead(
    RunName Name,
    StreamPosition At,
    DateTimeOffset CreatedAt,
    string? Provider,
    string? Model
);
