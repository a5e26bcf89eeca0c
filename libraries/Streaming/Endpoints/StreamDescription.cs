namespace Streaming.Endpoints;

/// <summary>One event of a stream, for the document.</summary>
internal sealed record StreamEvent(string Name, Type Data);

/// <summary>What a stream endpoint sends.</summary>
internal sealed record StreamDescription(string Summary, IReadOnlyList<StreamEvent> Events, bool Resumes = true);

/// <summary>An endpoint in a vendor's own words: a whole answer or a stream, as the request says.</summary>
/// <param name="Whole">The answer that is no stream.</param>
/// <param name="Error">Any error.</param>
/// <param name="Frames">Frames of the stream, and what is said of them; none: it never streams.</param>
/// <param name="Note">How the stream ends and stays alive.</param>
internal sealed record VendorDescription(Type Whole, Type Error, IReadOnlyList<StreamEvent> Frames, string Note);

/// <summary>A query parameter that an endpoint reads by itself.</summary>
internal sealed record QueryParameter(string Name, string Description, bool Required);

/// <summary>The endpoint takes an <c>Idempotency-Key</c>.</summary>
internal sealed record IdempotencyKeyDescription;

/// <summary>A JSON body that an endpoint reads by itself, whatever content types it takes beside.</summary>
internal sealed record BodyDescription(Type Body);

/// <summary>Says in metadata what the endpoints do by hand, so that the document can tell.</summary>
internal static class DescriptionExtensions
{
    public static RouteHandlerBuilder Sends(
        this RouteHandlerBuilder endpoint,
        string summary,
        params (string Name, Type Data)[] events
    ) =>
        endpoint.WithMetadata(new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))]));

    /// <summary>For a stream of one request: it carries no ids, and a drop ends it.</summary>
    public static RouteHandlerBuilder SendsOnce(
        this RouteHandlerBuilder endpoint,
        string summary,
        params (string Name, Type Data)[] events
    ) =>
        endpoint.WithMetadata(
            new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))], Resumes: false)
        );

    /// <summary>For an endpoint that speaks a vendor's API.</summary>
    public static RouteHandlerBuilder Answers(
        this RouteHandlerBuilder endpoint,
        Type whole,
        Type error,
        string note = "",
        params (string Name, Type Data)[] frames
    ) =>
        endpoint.WithMetadata(
            new VendorDescription(whole, error, [.. frames.Select(f => new StreamEvent(f.Name, f.Data))], note)
        );

    public static TBuilder Body<TBuilder>(this TBuilder endpoint, Type body)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new BodyDescription(body));

    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new IdempotencyKeyDescription());

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint)
        where T : notnull => endpoint.Accepts<T>("application/json");

    public static RouteHandlerBuilder Query(
        this RouteHandlerBuilder endpoint,
        string name,
        string description,
        bool required = false
    ) => endpoint.WithMetadata(new QueryParameter(name, description, required));
}
