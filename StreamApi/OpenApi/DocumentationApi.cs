using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace StreamApi.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>. OpenAPI 3.1 cannot describe the events of a stream (3.2's <c>itemSchema</c> can), so each
/// stream lists them with their schemas in <c>x-sse-events</c> and in its description. In Development <c>/scalar</c>
/// shows it as a page.
/// </summary>
internal static class DocumentationApi
{
    public static void AddDocumentation(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<CachedDocument>();
        builder.Services.AddOpenApi(
            CachedDocument.Name,
            document =>
            {
                // OpenAPI 3.1 has no QUERY, which accepts the same body as POST.
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
    }

    public static void MapDocumentation(this WebApplication app)
    {
        if (app.Environment.IsDevelopment())
            app.MapScalarApiReference(
                // Without what it would load from elsewhere.
                reference => reference.DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp()
            );

        app.MapGet(
                $"/openapi/{CachedDocument.Name}.json",
                (HttpContext context, CachedDocument document) => document.SendAsync(context)
            )
            .ExcludeFromDescription();

        // Answers the bare address, to which the dashboard links.
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

    /// <summary>Declares the credentials; any one of them is sufficient.</summary>
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
        var parameters = RequestParameter.Of(metadata);
        foreach (var parameter in parameters)
            Add(operation, parameter);

        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "Problem details (RFC 9457) that name the invalid field.",
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
            var content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = schema } };
            if (body.Lines is { } lines)
                content["application/x-ndjson"] = Text(lines);
            operation.RequestBody = new OpenApiRequestBody { Content = content };
        }

        if (metadata.OfType<VendorDescription>().FirstOrDefault() is { } vendor)
            DescribeVendor(operation, vendor);

        if (metadata.OfType<StreamMetadata>().LastOrDefault() is not { } stream)
            return;

        if (context.Description.HttpMethod == "POST" && operation.RequestBody is null)
            operation.RequestBody = QueryAsBody(parameters);

        await DescribeStreamAsync(operation, operation.Responses, stream, context, cancellationToken);
    }

    private static async Task DescribeStreamAsync(
        OpenApiOperation operation,
        OpenApiResponses responses,
        StreamMetadata stream,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        operation.Summary = stream.Summary;
        operation.Description =
            "Server-sent events: "
            + Names(stream.Events.Select(e => e.Name))
            + (
                stream.Resumes
                    ? ". An interrupted stream resumes after `Last-Event-ID`."
                    : ". The stream has no ids and cannot be resumed."
            );

        operation.AddExtension(
            "x-sse-events",
            await EventsAsync(ControlEvents.With(stream), context, cancellationToken)
        );

        responses["200"] = new OpenApiResponse
        {
            Description = "The stream.",
            Content = new Dictionary<string, OpenApiMediaType> { ["text/event-stream"] = Text() },
        };
    }

    private static void DescribeVendor(OpenApiOperation operation, VendorDescription vendor)
    {
        operation.ExternalDocs = new OpenApiExternalDocs { Url = vendor.Reference };
        operation.Responses!["default"] = new OpenApiResponse
        {
            Description = "The error in the vendor's format.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = Json() },
        };

        var answer = new OpenApiResponse
        {
            Description = "The response.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = Json() },
        };
        operation.Responses["200"] = answer;

        if (vendor.Frames.Count == 0)
            return;

        if (vendor.IsStream)
        {
            answer.Description = "The stream.";
            answer.Content.Clear();
        }
        else
            answer.Description = "The response: JSON, or server-sent events with `\"stream\": true`.";

        answer.Content["text/event-stream"] = Text();
        var when = vendor.IsStream ? "Server-sent events" : "With `\"stream\": true` server-sent events";
        operation.Description = $"{when}: {Names(vendor.Frames)}. {vendor.Note}";
        operation.AddExtension(
            "x-sse-events",
            new JsonNodeExtension(
                new JsonArray([
                    .. vendor.Frames.Select(name => new JsonObject
                    {
                        ["event"] = name,
                        ["data"] = new JsonObject
                        {
                            ["externalDocs"] = new JsonObject { ["url"] = $"{vendor.Reference}" },
                        },
                    }),
                ])
            )
        );

        OpenApiMediaType Json() =>
            new()
            {
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    ExternalDocs = new OpenApiExternalDocs { Url = vendor.Reference },
                },
            };
    }

    private static string Names(IEnumerable<string> events) => string.Join(", ", events.Select(e => $"`{e}`"));

    private static OpenApiMediaType Text(string? description = null) =>
        new()
        {
            Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = description },
        };

    private static async Task<JsonNodeExtension> EventsAsync(
        IEnumerable<StreamEvent> sent,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken
    )
    {
        var events = new JsonArray();
        foreach (var described in sent)
        {
            var schema = await context.GetOrCreateSchemaAsync(described.Data, cancellationToken: cancellationToken);
            events.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["event"] = described.Name,
                        ["data"] = JsonNode.Parse(
                            await schema.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken)
                        ),
                    }
            );
        }

        return new JsonNodeExtension(events);
    }

    /// <summary>Describes the JSON body of a stream's POST: the members are the query parameters.</summary>
    private static OpenApiRequestBody QueryAsBody(IEnumerable<RequestParameter> parameters) =>
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
                            p => (IOpenApiSchema)SchemaOf(p, p.Description)
                        ),
                    },
                },
            },
        };

    private static void Add(OpenApiOperation operation, RequestParameter parameter)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(
            new OpenApiParameter
            {
                Name = parameter.Name,
                In = parameter.InHeader ? ParameterLocation.Header : ParameterLocation.Query,
                Description = parameter.Also is { } also
                    ? $"{parameter.Description} Also as `{also}`."
                    : parameter.Description,
                Required = parameter.Required,
                // A list is in the query once for each value, which are the defaults of style and explode.
                Schema = SchemaOf(parameter),
            }
        );
    }

    private static OpenApiSchema SchemaOf(RequestParameter parameter, string? description = null) =>
        parameter.Also is null
            ? new() { Type = JsonSchemaType.String, Description = description }
            : new()
            {
                Type = JsonSchemaType.Array,
                Items = new OpenApiSchema { Type = JsonSchemaType.String },
                Description = description,
            };
}
