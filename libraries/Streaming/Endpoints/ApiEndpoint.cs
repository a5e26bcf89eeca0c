namespace Streaming.Endpoints;

/// <inheritdoc cref="IApiEndpoint"/>
internal record ApiEndpoint : IApiEndpoint;

internal static class ApiEndpointExtensions
{
    /// <summary>Marks endpoints for programs (<see cref="IApiEndpoint"/>), and forbids caches to store their
    /// answers.</summary>
    public static RouteGroupBuilder MarkAsApi(this RouteGroupBuilder endpoints)
    {
        // Added last, because the last policy of the output cache decides.
        ((IEndpointConventionBuilder)endpoints).Finally(endpoint => endpoint.Metadata.Add(new ApiEndpoint()));
        return endpoints.AddEndpointFilter(
            (invocation, next) =>
            {
                invocation.HttpContext.Response.Headers.CacheControl = "no-store";
                return next(invocation);
            }
        );
    }
}
