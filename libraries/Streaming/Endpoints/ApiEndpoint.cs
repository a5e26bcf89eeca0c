namespace Streaming.Endpoints;

/// <inheritdoc cref="IApiEndpoint"/>
internal record ApiEndpoint : IApiEndpoint;

internal static class ApiEndpointExtensions
{
    /// <summary>Marks endpoints for programs, whose answers nobody stores.</summary>
    public static RouteGroupBuilder MarkAsApi(this RouteGroupBuilder endpoints)
    {
        // Last, since the last policy of the output cache decides.
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
