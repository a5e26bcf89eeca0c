namespace Streaming.Endpoints;

/// <inheritdoc cref="IForPrograms"/>
internal record ForPrograms : IForPrograms;

internal static class ForProgramsExtensions
{
    /// <summary>Marks endpoints for programs (<see cref="IForPrograms"/>), and forbids caches to store their
    /// answers.</summary>
    public static RouteGroupBuilder IsForPrograms(this RouteGroupBuilder endpoints)
    {
        // Added last, because the last policy of the output cache decides.
        ((IEndpointConventionBuilder)endpoints).Finally(endpoint => endpoint.Metadata.Add(new ForPrograms()));
        return endpoints.AddEndpointFilter(
            (invocation, next) =>
            {
                invocation.HttpContext.Response.Headers.CacheControl = "no-store";
                return next(invocation);
            }
        );
    }
}
