using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace Streaming.Endpoints;

/// <summary>Leaves QUERY out of what the application's OpenAPI documents describe of the libraries' endpoints: it takes
/// what POST takes. OpenAPI has it since 3.2 only, and a generator that lacks it refuses the whole document.</summary>
internal sealed class UndescribedQuery : IApiDescriptionProvider
{
    /// <summary>Runs after the framework's own, which find the endpoints.</summary>
    public int Order => 0;

    public void OnProvidersExecuting(ApiDescriptionProviderContext context)
    {
        var queries = context.Results.Where(IsQuery).ToArray();
        foreach (var query in queries)
            context.Results.Remove(query);
    }

    public void OnProvidersExecuted(ApiDescriptionProviderContext context) { }

    /// <summary>The libraries count all of theirs as some kind.</summary>
    private static bool IsQuery(ApiDescription description) =>
        description.HttpMethod == "QUERY" && description.ActionDescriptor.EndpointMetadata.OfType<RequestKind>().Any();
}
