using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace LlmGateway;

/// <summary>The rate limit for starting a model, section <c>AspireSse:Llm</c>.</summary>
internal sealed class GenerationLimit
{
    /// <summary>Requests per minute that start model work.</summary>
    [Range(1, RequestKind.Unlimited)]
    public int? GenerationsPerMinute { get; set; }

    /// <summary>Sets the unset limit to the default of the environment.</summary>
    public void Complete(bool development) => GenerationsPerMinute ??= development ? RequestKind.Unlimited : 20;

    /// <summary>Returns the kind of the requests that start model work.</summary>
    public static RequestKind Requests(IServiceProvider services)
    {
        var perMinute = services.GetRequiredService<IOptions<GenerationLimit>>().Value.GenerationsPerMinute!.Value;
        return new RequestKind(
            "generations",
            perMinute,
            $"started {perMinute} generations in the last minute (AspireSse:Llm:GenerationsPerMinute)"
        );
    }
}
