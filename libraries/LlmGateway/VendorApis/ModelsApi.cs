using LlmGateway.Providers;
using LlmGateway.VendorApis.ChatCompletions;
using LlmGateway.VendorApis.Messages;

namespace LlmGateway.VendorApis;

/// <summary>
/// <c>GET /v1/models</c>: the models of the configured providers. Each has the members of both vendors' formats, so
/// that either client can read it.
/// </summary>
internal static class ModelsApi
{
    // The vendors' clients require a date; only the provider knows the real one.
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
                        VendorFormat format = context.Request.Headers.ContainsKey("anthropic-version")
                            ? MessagesFormat.Instance
                            : ChatCompletionsFormat.Instance;

                        var missing = new InvalidChatException(
                            "model",
                            $"Unsupported model: {id}",
                            code: InvalidChatException.ModelNotFound
                        );
                        await format.WriteAsync(context, VendorError.Of(missing));
                    }
                }
            )
            .WithTags("Models");
    }

#pragma warning disable IDE1006 // the vendors' names are lowercase
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
