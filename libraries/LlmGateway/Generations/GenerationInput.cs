namespace LlmGateway.Generations;

/// <summary>The parts of a call that another process needs to continue it, in addition to the prompt.</summary>
internal sealed record GenerationInput(
    string Provider,
    string Model,
    ClientKey Client,
    int? MaxTokens,
    IList<string>? Stops
);
