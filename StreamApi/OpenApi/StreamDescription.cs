namespace StreamApi.OpenApi;

/// <summary>One event of a stream, for the document.</summary>
internal sealed record StreamEvent(string Name, Type Data);

/// <summary>What a stream endpoint sends.</summary>
internal sealed record StreamDescription(string Summary, IReadOnlyList<StreamEvent> Events, bool Resumes = true);

/// <summary>A query parameter that an endpoint reads by itself.</summary>
internal sealed record QueryParameter(string Name, string Description, bool Required);

/// <summary>A JSON body that an endpoint reads by itself, whatever content types it takes beside.</summary>
internal sealed record BodyDescription(Type Body);

/// <summary>Says in metadata what the endpoints do by hand, so that the document can tell.</summary>
internal static class DescriptionExtensions
{
    public static RouteHandlerBuilder Sends(this RouteHandlerBuilder endpoint, string summary, params (string Name, Type Data)[] events) =>
        endpoint.WithMetadata(new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))]));

    /// <summary>For a stream of one request: it carries no ids, and a drop ends it.</summary>
    public static RouteHandlerBuilder SendsOnce(this RouteHandlerBuilder endpoint, string summary, params (string Name, Type Data)[] events) =>
        endpoint.WithMetadata(new StreamDescription(summary, [.. events.Select(e => new StreamEvent(e.Name, e.Data))], Resumes: false));

    public static TBuilder Body<TBuilder>(this TBuilder endpoint, Type body) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new BodyDescription(body));

    public static RouteHandlerBuilder Takes<T>(this RouteHandlerBuilder endpoint) where T : notnull => endpoint.Accepts<T>("application/json");

    public static RouteHandlerBuilder Query(this RouteHandlerBuilder endpoint, string name, string description, bool required = false) =>
        endpoint.WithMetadata(new QueryParameter(name, description, required));
}
