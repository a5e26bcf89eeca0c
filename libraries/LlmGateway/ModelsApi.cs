using LlmGateway.Anthropic;
using LlmGateway.OpenAi;
using LlmGateway.Providers;

namespace LlmGateway;

/// <summary><c>GET /v1/models</c>: what is configured. One answer for both vendors' clients: each finds the members it
/// knows.</summary>
internal static class ModelsApi
{
    // a model's age is its provider's to know
    private static readonly DateTimeOffset Since = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static void MapModels(this IEndpointRouteBuilder app)
    {
        app.MapGet(
                "/v1/models",
                (ChatProviders providers) =>
                {
                    var models = providers.Models.Select(m => new Model(m.Model, m.Provider)).ToList();
                    return TypedResults.Json(
                        new
                        {
                            @object = "list",
                            data = models,
                            first_id = models.FirstOrDefault()?.id,
                            last_id = models.LastOrDefault()?.id,
                            has_more = false,
                        }
                    );
                }
            )
            .WithTags("Models");
        app.MapGet(
                "/v1/models/{**id}",
                async (string id, HttpContext context, ChatProviders providers) =>
                {
                    var found = providers
                        .Models.Where(m => m.Model == id)
                        .Select(m => new Model(m.Model, m.Provider))
                        .FirstOrDefault();
                    if (found is not null)
                        await TypedResults.Json(found).ExecuteAsync(context);
                    else
                    {
                        var missing = new InvalidChatException("model", $"Unsupported model: {id}");
                        if (context.Request.Headers.ContainsKey("anthropic-version"))
                            await AnthropicError.Of(missing).WriteAsync(context);
                        else
                            await OpenAiError.Of(missing).WriteAsync(context);
                    }
                }
            )
            .WithTags("Models");
    }

#pragma warning disable IDE1006 // the vendors' names
    private sealed record Model(string id, string owned_by)
    {
        public string @object { get; } = "model";
        public string type { get; } = "model";
        public string display_name => id;
        public long created { get; } = Since.ToUnixTimeSeconds();
        public DateTimeOffset created_at { get; } = Since;
    }
#pragma warning restore IDE1006
}
