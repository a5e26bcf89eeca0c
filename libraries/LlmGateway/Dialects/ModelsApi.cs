using LlmGateway.Providers;

namespace LlmGateway.Dialects;

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
                IResult (ChatProviders providers) =>
                {
                    var models = providers.Models.Select(m => new Model(m.Model, m.Provider)).ToList();
                    return TypedResults.Json(
                        new ModelList("list", models, models.FirstOrDefault()?.id, models.LastOrDefault()?.id, false),
                        ModelJson.Readable.ModelList
                    );
                }
            )
            .WithTags("Models");

        app.MapGet(
                "/v1/models/{**id}",
                async (string id, HttpContext context, ChatProviders providers) =>
                {
                    // Clients escape the slash of a name, and the server does not decode it.
                    id = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
                    var found = providers
                        .Models.Where(m => m.Model == id || $"{m.Provider}/{m.Model}" == id)
                        .Select(m => new Model(id, m.Provider))
                        .FirstOrDefault();
                    if (found is not null)
                        await TypedResults.Json(found, ModelJson.Readable.Model).ExecuteAsync(context);
                    else
                    {
                        var missing = new InvalidChatException(
                            "model",
                            $"Unsupported model: {id}",
                            code: InvalidChatException.ModelNotFound
                        );
                        await ClientFormat.Of(context).WriteAsync(context, VendorError.Of(missing));
                    }
                }
            )
            .WithTags("Models");
    }

#pragma warning disable IDE1006 // the vendors' names are lowercase
    internal sealed record ModelList(
        string @object,
        IReadOnlyList<Model> data,
        string? first_id,
        string? last_id,
        bool has_more
    );

    internal sealed record Model(string id, string owned_by)
    {
        public string @object { get; } = "model";
        public string type { get; } = "model";
        public string display_name => id;
        public long created { get; } = Since.ToUnixTimeSeconds();
        public DateTimeOffset created_at { get; } = Since;
    }
#pragma warning restore IDE1006
}
