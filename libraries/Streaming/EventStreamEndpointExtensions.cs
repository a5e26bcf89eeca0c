namespace Microsoft.AspNetCore.Builder;

/// <summary>Says of endpoints that they stream events.</summary>
public static class EventStreamEndpointExtensions
{
    /// <summary>Marks endpoints that return an
    /// <see cref="Microsoft.AspNetCore.Http.HttpResults.EventStreamResult"/> as <c>IResult</c>. One that is declared
    /// with that type, or with <c>Results&lt;EventStreamResult, …&gt;</c>, needs no mark.</summary>
    /// <remarks>Tickets open it, a refusal is a status instead of a redirect to a page, and no output cache holds
    /// it.</remarks>
    public static TBuilder WithEventStream<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder
    {
        // Last, since the last policy of the output cache decides.
        endpoint.Finally(StreamMetadata.Declare);
        return endpoint;
    }
}
