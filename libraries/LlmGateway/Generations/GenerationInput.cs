namespace LlmGateway.Generations;

/// <summary>Facts of a call that another process goes on with, beside its prompt.</summary>
internal sealed record GenerationInput(
    string Provider,
    string Model,
    ClientKey Client,
    int? MaxTokens,
    IList<string>? Stops
);
