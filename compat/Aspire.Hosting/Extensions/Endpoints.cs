// Stands in for Aspire.Hosting's endpoint and URL extensions (ResourceBuilderExtensions). Not affiliated with
// Microsoft.
using System.Net.Sockets;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? scheme = null,
        string? name = null,
        string? env = null,
        bool? isProxied = null,
        bool? isExternal = null,
        ProtocolType? protocol = null
    )
        where T : IResourceWithEndpoints
    {
        var endpoint = new EndpointAnnotation(
            protocol ?? ProtocolType.Tcp,
            scheme,
            null,
            name,
            port,
            targetPort,
            isExternal,
            isProxied
        )
        {
            PortVariable = env,
        };
        if (builder.GetEndpoint(endpoint.Name).Exists)
            throw new DistributedApplicationException(
                $"Endpoint with name '{endpoint.Name}' already exists on resource '{builder.Resource.Name}'."
            );
        return builder.WithAnnotation(endpoint);
    }

    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? name = null,
        string? env = null,
        bool? isProxied = null
    )
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "http", name, env, isProxied);

    public static IResourceBuilder<T> WithHttpsEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? name = null,
        string? env = null,
        bool? isProxied = null
    )
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "https", name, env, isProxied);

    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (
            var endpoint in builder
                .Resource.Annotations.OfType<EndpointAnnotation>()
                .Where(e => e.UriScheme is "http" or "https")
        )
            endpoint.IsExternal = true;
        return builder;
    }

    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints => new(builder.Resource, name);

    public static IResourceBuilder<T> WithUrlForEndpoint<T>(
        this IResourceBuilder<T> builder,
        string endpointName,
        Action<ResourceUrlAnnotation> callback
    )
        where T : IResource => builder.WithAnnotation(new EndpointUrlAnnotation(endpointName, callback));

    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder,
        string? path = null,
        int? statusCode = null,
        string? endpointName = null
    )
        where T : IResourceWithEndpoints
    {
        var probe = new HttpProbe(path ?? "/", statusCode ?? 200, endpointName ?? "http");
        return builder.WithAnnotation(
            new HealthCheckAnnotation(
                $"{builder.Resource.Name}_{probe.EndpointName}_{probe.Path}_{probe.StatusCode}_check"
            )
            {
                Http = probe,
            }
        );
    }

    /// <param name="key">The name of a check that the builder's Services register (AddHealthChecks).</param>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key)
        where T : IResource => builder.WithAnnotation(new HealthCheckAnnotation(key));
}

public static class ResourceExtensions
{
    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName) =>
        new(resource, endpointName);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(e => new EndpointReference(resource, e.Name));
}
