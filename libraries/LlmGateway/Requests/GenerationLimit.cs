using Microsoft.Extensions.Options;

namespace LlmGateway;

/// <summary>The rate limit for requests that start model work. The host's rate limiter counts them, if the host has
/// one.</summary>
internal static class GenerationLimit
{
    /// <summary>Returns the kind of the requests that start model work.</summary>
    public static RequestKind Requests(IServiceProvider services)
    {
        var perMinute = services.GetRequiredService<IOptions<LlmOptions>>().Value.GenerationsPerMinute!.Value;
        return new RequestKind(
            "generations",
            perMinute,
            $"started {perMinute} generations in the last minute (AspireSse:Llm:GenerationsPerMinute)"
        );
    }
}
