// Stands in for Microsoft.Extensions.ServiceDiscovery. Not affiliated with Microsoft or the .NET Foundation.
namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Sends a request for a service by name to one of its addresses. Below the retries, so that each attempt
/// takes the next one.</summary>
internal sealed class ResolvingHandler(ServiceEndpoints endpoints) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        if (request.RequestUri is not { IsAbsoluteUri: true } named)
        {
            return await base.SendAsync(request, cancellationToken);
        }

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
                $"No service '{named.Host}': the configuration has no 'services:{named.Host}:{named.Scheme}' "
                    + $"(services__{named.Host}__{named.Scheme}__0; in the AppHost: WithReference), and DNS does not know the name either.",
                e
            );
        }
        finally
        {
            request.RequestUri = named;
        }
    }
}
