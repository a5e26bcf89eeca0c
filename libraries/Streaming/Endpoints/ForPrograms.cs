namespace Streaming.Endpoints;

/// <inheritdoc cref="IForPrograms"/>
internal record ForPrograms : IForPrograms;

internal static class ForProgramsExtensions
{
    /// <summary>Marks endpoints for programs, whose answers nobody stores.</summary>
    public static RouteGroupBuilder IsForPrograms(this RouteGroupBuilder endpoints)
    {
        // Last, since the last policy of the output cache decides.
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
