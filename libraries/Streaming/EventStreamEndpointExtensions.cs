namespace Microsoft.AspNetCore.Builder;

/// <summary>Marks endpoints that stream events.</summary>
/// <remarks>Needed by an endpoint that returns its stream as <c>IResult</c>.</remarks>
public static class EventStreamEndpointExtensions
{
    /// <summary>Marks endpoints that return an <see cref="Microsoft.AspNetCore.Http.HttpResults.EventStreamResult"/> as
    /// <c>IResult</c>. An endpoint that is declared with that type, or with <c>Results&lt;EventStreamResult, …&gt;</c>,
    /// needs no mark.</summary>
    /// <remarks>Tickets open a marked endpoint, its refusals are a status instead of a redirect to a page, and no
    /// output cache stores its stream.</remarks>
    public static TBuilder WithEventStream<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder
    {
        // Added last, because the last policy of the output cache decides.
        endpoint.Finally(StreamMetadata.Declare);
        return endpoint;
    }
}
