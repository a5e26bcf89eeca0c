namespace AspireSse.Server;

/// <summary>Describes a parameter of an endpoint's query: metadata for an OpenAPI document. Names that no parameter of
/// an endpoint has can be refused
/// (<see cref="EventStreamApplicationExtensions.UseKnownQueryNames"/>).</summary>
/// <remarks>Needed only by code that writes an OpenAPI document from endpoints' metadata, to which <c>Query(…)</c> adds
/// it.</remarks>
/// <param name="Name">Its name.</param>
/// <param name="Description">A sentence.</param>
/// <param name="Required">True if the endpoint refuses a request without it.</param>
/// <param name="IsText">True if a JSON body must give it as text; otherwise a number, true or false will do.</param>
/// <param name="Also">Another name, in the plural or the singular, of a parameter with any number of values.</param>
/// <param name="InHeader">True for a header.</param>
public sealed record RequestParameter(
    string Name,
    string Description,
    bool Required = false,
    bool IsText = false,
    string? Also = null,
    bool InHeader = false
)
{
    /// <summary>Returns the parameters that an endpoint's metadata describe, and for a stream of the log also the
    /// parameters that all such streams have.</summary>
    public static IReadOnlyList<RequestParameter> Of(IEnumerable<object> metadata) =>
        Streaming.Endpoints.KnownNames.ParametersOf(metadata);
}
