using Streaming.Endpoints;

namespace AspireSse.Server;

/// <summary>Marks an endpoint that streams, and describes its stream. It has no output cache, which would let its
/// second reader wait for the first to leave.</summary>
/// <remarks>Needed only by code that tells streams from other endpoints, such as an OpenAPI document or an
/// authentication handler.</remarks>
/// <param name="Summary">A sentence for an OpenAPI document.</param>
/// <param name="Events">Events that it sends, except those that all streams may send.</param>
/// <param name="Resumes">False for a stream of one request: it has no ids, and a dropped connection ends it.</param>
/// <param name="TakesOrdinals">True if a last id may also be the ordinal of an event.</param>
public sealed record StreamMetadata(
    string Summary,
    IReadOnlyList<StreamEvent> Events,
    bool Resumes = true,
    bool TakesOrdinals = false
) : IApiEndpoint
{
    /// <summary>The mark of a result that streams events.</summary>
    internal static readonly StreamMetadata OfResult = new("Streams events.", Events: []);

    /// <summary>Declares what the server and the OpenAPI document should know of an endpoint with such a
    /// result.</summary>
    internal static void Declare(EndpointBuilder endpoint)
    {
        endpoint.Metadata.Add(new ProducesResponseTypeMetadata(200, typeof(string), ["text/event-stream"]));
        // The endpoint's own description counts, because it is added again as the last one.
        endpoint.Metadata.Add(endpoint.Metadata.OfType<StreamMetadata>().LastOrDefault() ?? OfResult);
        endpoint.Metadata.Add(endpoint.Metadata.OfType<RequestKind>().LastOrDefault() ?? RequestKind.Stream);
    }
}
