using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace Streaming.Endpoints;

/// <summary>Leaves the method QUERY of the libraries' endpoints out of the application's OpenAPI documents: QUERY takes
/// what POST takes. OpenAPI has it only since 3.2, and a generator that does not know it refuses the whole
/// document.</summary>
internal sealed class UndescribedQuery : IApiDescriptionProvider
{
    /// <summary>Runs after the framework's own providers, which find the endpoints.</summary>
    public int Order => 0;

    public void OnProvidersExecuting(ApiDescriptionProviderContext context)
    {
        var queries = context.Results.Where(IsQuery).ToArray();
        foreach (var query in queries)
            context.Results.Remove(query);
    }

    public void OnProvidersExecuted(ApiDescriptionProviderContext context) { }

    /// <summary>Returns true for QUERY of the libraries' endpoints, all of which have a
    /// <see cref="RequestKind"/>.</summary>
    private static bool IsQuery(ApiDescription description) =>
        description.HttpMethod == "QUERY" && description.ActionDescriptor.EndpointMetadata.OfType<RequestKind>().Any();
}
