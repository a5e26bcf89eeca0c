// Stands in for Microsoft.Extensions.ServiceDiscovery. Not affiliated with Microsoft or the .NET Foundation.
namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Sends a request for a named service to one of its addresses. Runs
/// below the retries, so that each attempt takes the next address.</summary>
internal sealed class ResolvingHandler(ServiceEndpoints endpoints) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } named)
            return await base.SendAsync(request, cancellationToken);

        request.RequestUri = endpoints.Resolve(named);
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
            when (e.HttpRequestError == HttpRequestError.NameResolutionError && !named.Host.Contains('.'))
        {
            throw new HttpRequestException(
                e.HttpRequestError,
                $"The service '{named.Host}' was not found: the configuration has no "
                    + $"'services:{named.Host}:{named.Scheme}', and DNS does not know the name. "
                    + $"Set services__{named.Host}__{named.Scheme}__0, or call WithReference in the AppHost.",
                e
            );
        }
        finally
        {
            request.RequestUri = named;
        }
    }
}
