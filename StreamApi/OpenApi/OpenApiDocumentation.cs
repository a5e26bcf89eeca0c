using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace StreamApi.OpenApi;

/// <summary>
/// <c>/openapi/v1.json</c>. OpenAPI 3.1 cannot say what a stream is made of (3.2's <c>itemSchema</c> can), so every stream lists its
/// events and their data's schemas in <c>x-sse-events</c> and, for people, in the description.
/// </summary>
internal static class OpenApiDocumentation
{
    public static void AddOpenApiDocumentation(this WebApplicationBuilder builder) => builder.Services.AddOpenApi("v1", document =>
    {
        // 3.1 has no QUERY; it takes what POST takes.
        document.ShouldInclude = endpoint => endpoint.HttpMethod != "QUERY";
        document.AddOperationTransformer(DescribeAsync);
        document.AddDocumentTransformer((api, _, _) => { Credentials(api); return Task.CompletedTask; });
    });

    public static void MapOpenApiDocumentation(this IEndpointRouteBuilder app)
    {
        app.MapOpenApi();
        // For whoever opens the bare address, as the dashboard's link does.
        app.MapGet("/", () => TypedResults.Ok(new
        {
            Service = "Aspire.Sse StreamApi",
            OpenApi = "/openapi/v1.json",
            Try = (string[])["/sse/events", "/v1/events/stream?topic=demo.>", "/v1/events", "/v1/topics", "/v1/replicas", "/v1/connections"],
        })).ExcludeFromDescription();
    }

    /// <summary>Any of them will do.</summary>
    private static void Credentials(OpenApiDocument api)
    {
        api.Components ??= new OpenApiComponents();
        api.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = "Claims sse.subscribe and sse.publish: topic patterns." },
            ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-Api-Key" },
            ["ticket"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Query, Name = "ticket", Description = "For streams: POST /v1/stream-tickets." },
        };
        api.Security = [.. api.Components.SecuritySchemes.Keys.Select(name => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(name, api)] = [] })];
    }

    private static async Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        foreach (var parameter in metadata.OfType<QueryParameter>()) Add(operation, parameter);
        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "What is wrong, as problem details (RFC 9457) that name the field.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = await context.GetOrCreateSchemaAsync(typeof(HttpValidationProblemDetails), cancellationToken: cancellationToken) } },
        };
        if (context.Description.HttpMethod == "POST" && metadata.OfType<BodyDescription>().FirstOrDefault() is { } body)
        {
            var schema = await context.GetOrCreateSchemaAsync(body.Body, cancellationToken: cancellationToken);
            operation.RequestBody = new OpenApiRequestBody { Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = schema } } };
        }
        if (metadata.OfType<StreamDescription>().FirstOrDefault() is not { } stream) return;
        if (context.Description.HttpMethod == "POST" && operation.RequestBody is null) operation.RequestBody = QueryAsBody(metadata.OfType<QueryParameter>());
        operation.Summary = stream.Summary;
        operation.Description = "Server-sent events: " + string.Join(", ", stream.Events.Select(e => $"`{e.Name}`")) + (stream.Resumes ? ". A dropped stream resumes after `Last-Event-ID`." : ", and `[DONE]`. Its frames carry no ids: a drop ends it.");
        if (stream.Resumes) Add(operation, new QueryParameter("last_event_id", "The last id received; the Last-Event-ID header wins.", false));
        Add(operation, new QueryParameter("named", "true: every event has its name; false: none has, for clients with only onmessage.", false));
        var events = new JsonArray();
        IEnumerable<StreamEvent> sent = stream.Resumes && stream.Events.All(e => e.Name != "resync") ? [.. stream.Events, ControlEvents.OfResync] : stream.Events;
        foreach (var e in sent)
        {
            var schema = await context.GetOrCreateSchemaAsync(e.Data, cancellationToken: cancellationToken);
            events.Add(new JsonObject { ["event"] = e.Name, ["data"] = JsonNode.Parse(await schema.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1, cancellationToken)) });
        }
        operation.AddExtension("x-sse-events", new JsonNodeExtension(events));
        operation.Responses["200"] = new OpenApiResponse
        {
            Description = "The stream.",
            Content = new Dictionary<string, OpenApiMediaType> { ["text/event-stream"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } },
        };
    }

    /// <summary>What a stream takes as query, its POST takes as members of a JSON body.</summary>
    private static OpenApiRequestBody QueryAsBody(IEnumerable<QueryParameter> parameters) => new()
    {
        Content = new Dictionary<string, OpenApiMediaType>
        {
            ["application/json"] = new()
            {
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = parameters.ToDictionary(p => p.Name, p => (IOpenApiSchema)new OpenApiSchema { Type = JsonSchemaType.String, Description = p.Description }),
                },
            },
        },
    };

    private static void Add(OpenApiOperation operation, QueryParameter parameter)
    {
        operation.Parameters ??= [];
        operation.Parameters.Add(new OpenApiParameter
        {
            Name = parameter.Name, In = ParameterLocation.Query, Description = parameter.Description, Required = parameter.Required, Schema = new OpenApiSchema { Type = JsonSchemaType.String },
        });
    }
}
