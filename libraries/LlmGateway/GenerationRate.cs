namespace LlmGateway;

/// <summary>The rate limit for starting a model; the host defines the policy.</summary>
internal static class GenerationRate
{
    public const string Policy = "generations";

    public static TBuilder LimitedAsGeneration<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Policy);
}
