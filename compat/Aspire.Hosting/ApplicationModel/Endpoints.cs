// Stands in for Aspire.Hosting's endpoints (Aspire.Hosting.ApplicationModel). Not affiliated with Microsoft or the .NET
// Foundation.
using System.Globalization;
using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

public sealed class EndpointAnnotation(
    ProtocolType protocol,
    string? uriScheme = null,
    string? transport = null,
    string? name = null,
    int? port = null,
    int? targetPort = null,
    bool? isExternal = null,
    bool? isProxied = null
) : IResourceAnnotation
{
    public ProtocolType Protocol { get; set; } = protocol;
    public string UriScheme { get; set; } = uriScheme ?? "tcp";
    public string Transport { get; set; } = transport ?? (uriScheme is "http" or "https" ? "http" : "tcp");
    public string Name { get; set; } = name ?? uriScheme ?? "tcp";
    public int? Port { get; set; } = port;
    public int? TargetPort { get; set; } = targetPort;
    public string TargetHost { get; set; } = "localhost";
    public bool IsExternal { get; set; } = isExternal ?? false;
    public bool IsProxied { get; set; } = isProxied ?? true;
    public AllocatedEndpoint? AllocatedEndpoint { get; set; }

    /// <summary>The environment variable that tells the process which port to listen on.</summary>
    internal string? PortVariable { get; set; }
}

/// <param name="targetPortExpression">The port that the process itself listens on. Behind
/// a proxy it differs from replica to replica, and only the orchestrator knows it.</param>
public class AllocatedEndpoint(
    EndpointAnnotation endpoint,
    string address,
    int port,
    string? targetPortExpression = null
)
{
    public EndpointAnnotation Endpoint { get; } = endpoint;
    public string Address { get; } = address;
    public int Port { get; } = port;
    public string? TargetPortExpression { get; } = targetPortExpression;
    public string UriScheme => Endpoint.UriScheme;
    public string EndPointString => $"{Address}:{Port}";
    public string UriString => $"{UriScheme}://{EndPointString}";

    public override string ToString() => UriString;
}

public enum EndpointProperty
{
    Url,
    Host,
    IPV4Host,
    Port,
    Scheme,
    TargetPort,
    HostAndPort,
    TlsEnabled,
}

public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName)
    : IExpressionValue,
        IValueWithReferences
{
    public IResourceWithEndpoints Resource { get; } = owner;
    public string EndpointName { get; } = endpointName;
    public bool Exists => Find() is not null;
    public bool IsAllocated => Find()?.AllocatedEndpoint is not null;
    public EndpointAnnotation EndpointAnnotation =>
        Find()
        ?? throw new InvalidOperationException(
            $"The endpoint `{EndpointName}` is not defined for the resource `{Resource.Name}`."
        );
    public string Scheme => EndpointAnnotation.UriScheme;
    public bool IsHttp => Scheme == "http";
    public bool IsHttps => Scheme == "https";
    public string Host => Allocated.Address;
    public int Port => Allocated.Port;
    public int? TargetPort => EndpointAnnotation.TargetPort;
    public string Url => Allocated.UriString;
    string IManifestExpressionProvider.ValueExpression => Property(EndpointProperty.Url).ValueExpression;
    IEnumerable<object> IValueWithReferences.References => [Resource];

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);

    internal AllocatedEndpoint Allocated =>
        EndpointAnnotation.AllocatedEndpoint
        ?? throw new InvalidOperationException(
            $"The endpoint `{EndpointName}` is not allocated for the resource `{Resource.Name}`."
        );

    private EndpointAnnotation? Find() =>
        Resource
            .Annotations.OfType<EndpointAnnotation>()
            .FirstOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}

public class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property)
    : IExpressionValue,
        IValueWithReferences
{
    public EndpointReference Endpoint { get; } = endpointReference;
    public EndpointProperty Property { get; } = property;
    public string ValueExpression => $"{{{Endpoint.Resource.Name}.bindings.{Endpoint.EndpointName}.{Property}}}";
    IEnumerable<object> IValueWithReferences.References => [Endpoint];

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
        new(
            Property switch
            {
                EndpointProperty.Url => Endpoint.Url,
                EndpointProperty.Host => Endpoint.Host,
                EndpointProperty.IPV4Host => "127.0.0.1",
                EndpointProperty.Port => Endpoint.Port.ToString(CultureInfo.InvariantCulture),
                EndpointProperty.Scheme => Endpoint.Scheme,
                EndpointProperty.TargetPort => Endpoint.Allocated.TargetPortExpression,
                EndpointProperty.HostAndPort => Endpoint.Allocated.EndPointString,
                EndpointProperty.TlsEnabled => Endpoint.IsHttps ? bool.TrueString : bool.FalseString,
                _ => throw new InvalidOperationException($"The endpoint property `{Property}` is not known."),
            }
        );
}
