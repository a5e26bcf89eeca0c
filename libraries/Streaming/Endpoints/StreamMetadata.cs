using Microsoft.AspNetCore.Http.Metadata;
using Streaming.Endpoints;

namespace AspireSse.Server;

/// <summary>Marks an endpoint that streams, and describes its stream. It has no HTTP metrics, because a stream's length
/// is no latency, and no output cache, which would let its second reader wait for the first to leave.</summary>
/// <param name="Summary">A sentence for an OpenAPI document.</param>
/// <param name="Events">What it sends, except what all streams may send.</param>
/// <param name="Resumes">False for a stream of one request: it has no ids, and a dropped connection ends it.</param>
/// <param name="TakesOrdinals">True if a last id may also be the ordinal of an event.</param>
public sealed record StreamMetadata(
    string Summary,
    IReadOnlyList<StreamEvent> Events,
    bool Resumes = true,
    bool TakesOrdinals = false
) : IApiEndpoint, IDisableHttpMetricsMetadata
{
    /// <summary>The mark of a result that streams events.</summary>
    internal static readonly StreamMetadata OfResult = new("Streams events.", Events: []);

    /// <summary>Declares what the server and the OpenAPI document should know of an endpoint with such a
    /// result.</summary>
    internal static void Declare(EndpointBuilder endpoint)
    {
        endpoint.Metadata.Add(new ProducesResponseTypeMetadata(200, typeof(string), ["text/event-stream"]));
        // What the endpoint says of itself counts.
        endpoint.Metadata.Add(endpoint.Metadata.OfType<StreamMetadata>().LastOrDefault() ?? OfResult);
        endpoint.Metadata.Add(endpoint.Metadata.OfType<RequestKind>().LastOrDefault() ?? RequestKind.Stream);
    }
}
