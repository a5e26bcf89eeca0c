using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>. OpenAPI 3.1 cannot say what a stream is made of (3.2's <c>itemSchema</c> can), so every
/// stream lists its
/// events and their data's schemas in <c>x-sse-events</c> and, for people, in the description.
/// </summary>
internal static class OpenApiDocumentation
{
    public static void AddOpenApiDocumentation(this WebApplicationBuilder builder) =>
        builder.Services.AddOpenApi(
            "v1",
            document =>
            {
                // 3.1 has no QUERY; it takes what POST takes.
                document.ShouldInclude = endpoint => endpoint.HttpMethod != "QUERY";
                document.AddOperationTransformer(DescribeAsync);
                document.AddDocumentTransformer(
                    (api, _, _) =>
                    {
                        Credentials(api);
                        return Task.CompletedTask;
                    }
                );
            }
        );

    public static void MapOpenApiDocumentation(this IEndpointRouteBuilder app)
    {
        app.MapOpenApi();
        // For whoever opens the bare address, as the dashboard's link does.
        app.MapGet(
                "/",
                () =>
                    TypedResults.Ok(
                        new
                        {
                            Service = "Aspire.Sse StreamApi",
                            OpenApi = "/openapi/v1.json",
                            Try = (string[])
                                [
                                    "/sse/events",
                                    "/v1/events/stream?topic=demo.>",
                                    "/v1/events",
                                    "/v1/topics",
                                    "/v1/replicas",
                                    "/v1/connections",
                                ],
                        }
                    )
            )
            .ExcludeFromDescription();
    }

    /// <summary>Any of them will do.</summary>
    private static void Credentials(OpenApiDocument api)
    {
        api.Components ??= new OpenApiComponents();
        api.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["bearer"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "Claims sse.subscribe and sse.publish: topic patterns.",
            },
            ["key"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "X-Api-Key",
            },
            ["ticket"] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Query,
                Name = "ticket",
                Description = "For streams: POST /v1/stream-tickets.",
            },
        };
        api.Security =
        [
            .. api.Components.SecuritySchemes.Keys.Select(name => new OpenApiSecurityRequirement
            {
                [new OpenApiSecuritySchemeReference(name, api)] = [],
            }),
        ];
    }

    private static async Task DescribeAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        foreach (var parameter in metadata.OfType<QueryParameter>())
            Add(operation, parameter);
        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "What is wrong, as problem details (RFC 9457) that name the field.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/problem+json"] = new()
                {
                    Schema = await context.GetOrCreateSchemaAsync(
                        typeof(HttpValidationProblemDetails),
                        cancellationToken: cancellationToken
                    ),
                },
            },
        };
        if (context.Description.HttpMethod == "POST" && metadata.OfType<BodyDescription>().FirstOrDefault() is { } body)
        {
            var schema = await context.GetOrCreateSchemaAsync(body.Body, cancellationToken: cancellationToken);
            operation.RequestBody = new OpenApiRequestBody
            {
                Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = schema } },
            };
        }
        if (metadata.OfType<IdempotencyKeyDescription>().Any())
            Add(
                operation,
                new QueryParameter(
                    IdempotencyKey.Header,
                    "Sent again with its key within 24 hours, a request is answered as the first was, and not done again.",
                    false
                ),
                ParameterLocation.Header
            );
        if (metadata.OfType<VendorDescription>().FirstOrDefault() is { } vendor)
            await DescribeVendorAsync(operation, vendor, context, cancellationToken);
        if (metadata.OfType<StreamDescription>().FirstOrDefault() is not { } stream)
            return;
        if (context.Description.HttpMethod == "POST" && operation.RequestBody is null)
            operation.RequestBody = QueryAsBody(metadata.OfType<QueryParameter>());
        operation.Summary = stream.Summary;
        operation.Description =
            "Server-sent events: "
            + string.Join(", ", stream.Events.Select(e => $"`{e.Name}`"))
            + (
                stream.Resumes
                    ? ". A dropped stream resumes after `Last-Event-ID`."
                    : ", and `[DONE]`. Its frames carry no ids: a drop ends it."
            );
        if (stream.Resumes)
            Add(
                operation,
                new QueryParameter("last_event_id", "The last id received; the Last-Event-ID header wins.", false)
            );
        Add(
            operation,
            new QueryParameter(
                "named",
                "true: every event has its name; false: none has, for clients with only onmessage.",
                false
            )
        );
        IEnumerable<StreamEvent> sent =
            stream.Resumes && stream.Events.All(e => e.Name != "resync")
                ? [.. stream.Events, ControlEvents.OfResync]
                : stream.Events;
        operation.AddExtension("x-sse-events", await EventsAsync(sent, context, cancellationToken));
        operation.Responses["200"] = new OpenApiResponse
        {
            Description = "The stream.",
            Content = new Dictionary<string, OpenApiMediaType> { ["text/event-stream"] = Text },
        };
    }

    private static async Task DescribeVendorAsync(
        OpenApiOperation operation,
        VendorDescription vendor,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        async Task<OpenApiMediaType> JsonOf(Type type) =>
            new() { Schema = await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellationToken) };

        operation.Responses!["default"] = new OpenApiResponse
        {
            Description = "What is wrong, in the vendor's shape.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = await JsonOf(vendor.Error) },
        };
        var answer = new OpenApiResponse
        {
            Description = "The answer.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = await JsonOf(vendor.Whole) },
        };
        operation.Responses["200"] = answer;
        if (vendor.Frames.Count == 0)
            return;
        answer.Description = "The answer: whole, or with `\"stream\": true` as server-sent events.";
        answer.Content["text/event-stream"] = Text;
        operation.Description =
            $"With `\"stream\": true` server-sent events: {string.Join(", ", vendor.Frames.Select(f => $"`{f.Name}`"))}. {vendor.Note}";
        operation.AddExtension("x-sse-events", await EventsAsync(vendor.Frames, context, cancellationToken));
    }

    private static OpenApiMediaType Text => new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };

    private static async Task<JsonNodeExtension> EventsAsync(
        IEnumerable<StreamEvent> sent,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        var events = new JsonArray();
        foreach (var e in sent)
        {
            var schema = await context.GetOrCreateSchemaAsync(e.Data, cancellationToken: cancellationToken);
            events.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["event"] = e.Name,
                        ["data"] = JsonNode.Parse(
                            await schema.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken)
                        ),
                    }
            );
        }
        return new JsonNodeExtension(events);
    }

    /// <summary>What a stream takes as query, its POST takes as members of a JSON body.</summary>
    private static OpenApiRequestBody QueryAsBody(IEnumerable<QueryParameter> parameters) =>
        new()
        {
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new()
                {
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Properties = parameters.ToDictionary(
                            p => p.Name,
                            p =>
                                (IOpenApiSchema)
                                    new OpenApiSchema { Type = JsonSchemaType.String, Description = p.Description }
                        ),
                    },
                },
            },
        };

    private static void Add(
        OpenApiOperation operation,
        QueryParameter parameter,
        ParameterLocation location = ParameterLocation.Query
    )
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(
            new OpenApiParameter
            {
                Name = parameter.Name,
                In = location,
                Description = parameter.Description,
                Required = parameter.Required,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            }
        );
    }
}
