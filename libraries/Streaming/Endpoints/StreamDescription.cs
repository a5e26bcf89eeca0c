namespace Streaming.Endpoints;

internal sealed record StreamEvent(string Name, Type Data);

/// <summary>The events of a stream endpoint, for the OpenAPI document.</summary>
internal sealed record StreamDescription(string Summary, IReadOnlyList<StreamEvent> Events, bool Resumes = true);

/// <param name="IsText">True if a JSON body must give it as text; otherwise a number, true or false will do.</param>
internal sealed record QueryParameter(string Name, string Description, bool Required, bool IsText = false);

internal sealed record IdempotencyKeyDescription;

/// <param name="Lines">Description of a line, if NDJSON is accepted as well.</param>
internal sealed record BodyDescription(Type Body, string? Lines = null);

/// <summary>Describes endpoints that read and write by hand, for the OpenAPI document.</summary>
internal static class DescriptionExtensions
{
    public static RouteHandlerBuilder Sends(
        this RouteHandlerBuilder endpoint,
        string summary,
        params (string Name, Type Data)[] events
    ) =>
        endpoint.WithMetadata(new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))]));

    /// <summary>Describes a stream of one request: it has no ids, and a dropped connection ends it.</summary>
    public static RouteHandlerBuilder SendsOnce(
        this RouteHandlerBuilder endpoint,
        string summary,
        params (string Name, Type Data)[] events
    ) =>
        endpoint.WithMetadata(
            new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))], Resumes: false)
        );

    public static TBuilder Body<TBuilder>(this TBuilder endpoint, Type body, string? lines = null)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new BodyDescription(body, lines));

    public static RouteHandlerBuilder SwitchesNames(this RouteHandlerBuilder endpoint) =>
        endpoint.Query("named", "true: all events are named; false: no event is, for clients with only onmessage.");

    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new IdempotencyKeyDescription());

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint)
        where T : notnull => endpoint.Accepts<T>("application/json");

    public static RouteHandlerBuilder Query(
        this RouteHandlerBuilder endpoint,
        string name,
        string description,
        bool required = false,
        bool isText = false
    ) => endpoint.WithMetadata(new QueryParameter(name, description, required, isText));
}
