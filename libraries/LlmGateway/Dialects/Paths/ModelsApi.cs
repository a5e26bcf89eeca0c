using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.Paths;

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
        app.MapGet("/v1/models", ListAsync).WithTags("Models");
        app.MapGet("/v1/models/{**id}", FindAsync).WithTags("Models");
    }

    private static Task ListAsync(HttpContext context, ChatProviders providers)
    {
        var models = providers.Models.ToList();
        return VendorHandler.WriteAsync(
            context,
            Object(
                ("object", "list"),
                ("data", new JsonArray([.. models.Select(m => ModelOf(m.Model, m.Provider))])),
                ("first_id", models.FirstOrDefault().Model),
                ("last_id", models.LastOrDefault().Model),
                ("has_more", false)
            )
        );
    }

    private static Task FindAsync(string id, HttpContext context, ChatProviders providers)
    {
        // Clients escape the slash of a name, and the server does not decode it.
        id = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        foreach (var (model, provider) in providers.Models)
            if (id == model || id == $"{provider}/{model}")
                return VendorHandler.WriteAsync(context, ModelOf(id, provider));

        var missing = new InvalidChatException(
            "model",
            $"Unsupported model: {id}",
            code: InvalidChatException.ModelNotFound
        );
        return VendorPaths.FormatOf(context).WriteAsync(context, VendorError.Of(missing));
    }

    private static JsonObject ModelOf(string id, string provider) =>
        Object(
            ("id", id),
            ("object", "model"),
            ("type", "model"),
            ("display_name", id),
            ("owned_by", provider),
            ("created", Since.ToUnixTimeSeconds()),
            ("created_at", Since)
        );
}
