// Stands in for Aspire.Hosting's annotations (Aspire.Hosting.ApplicationModel). Not affiliated with Microsoft or the
// .NET Foundation.
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

public class EnvironmentCallbackContext(
    DistributedApplicationExecutionContext executionContext,
    IResource resource,
    Dictionary<string, object>? environmentVariables = null,
    CancellationToken cancellationToken = default
)
{
    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;
    public IResource Resource { get; } = resource;
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables ?? [];
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

public class EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) : IResourceAnnotation
{
    public Func<EnvironmentCallbackContext, Task> Callback { get; } = callback;
}

public sealed class CommandLineArgsCallbackContext(
    IList<object> args,
    IResource resource,
    CancellationToken cancellationToken = default
)
{
    public IList<object> Args { get; } = args;
    public IResource Resource { get; } = resource;
    public CancellationToken CancellationToken { get; } = cancellationToken;
}

public class CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback)
    : IResourceAnnotation
{
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; } = callback;
}

public enum WaitType
{
    WaitUntilHealthy,
    WaitForCompletion,
    WaitUntilStarted,
}

public enum WaitBehavior
{
    WaitOnResourceUnavailable,
    StopOnResourceUnavailable,
}

public sealed class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;
    public WaitType WaitType { get; } = waitType;
    public int ExitCode { get; } = exitCode;

    internal string Goal =>
        WaitType switch
        {
            WaitType.WaitForCompletion => "complete",
            WaitType.WaitUntilHealthy => "become healthy",
            _ => "start",
        };
}

public sealed class ReplicaAnnotation(int replicas = 1) : IResourceAnnotation
{
    public int Replicas { get; } = replicas;
}

public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;
    public string Type { get; } = type;
}

public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    public string Key { get; } = key;

    /// <summary>Set by WithHttpHealthCheck. The probe goes to every
    /// replica itself, not to the address they share.</summary>
    internal HttpProbe? Http { get; init; }
}

internal sealed record HttpProbe(string Path, int StatusCode, string EndpointName);

public sealed class ExplicitStartupAnnotation : IResourceAnnotation;

internal sealed class HiddenAnnotation : IResourceAnnotation;

public enum IconVariant
{
    Regular,
    Filled,
}

public sealed class ResourceIconAnnotation(string iconName, IconVariant iconVariant = IconVariant.Filled)
    : IResourceAnnotation
{
    public string IconName { get; } = iconName;
    public IconVariant IconVariant { get; } = iconVariant;
}

public enum UrlDisplayLocation
{
    SummaryAndDetails,
    DetailsOnly,
}

public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    [SuppressMessage("Design", "CA1051", Justification = "A field in Aspire's own API too.")]
    public int? DisplayOrder;

    public required string Url { get; set; }
    public string? DisplayText { get; set; }
    public EndpointReference? Endpoint { get; init; }
    public UrlDisplayLocation DisplayLocation { get; set; }
}

internal sealed record EndpointUrlAnnotation(string EndpointName, Action<ResourceUrlAnnotation> Callback)
    : IResourceAnnotation;

public sealed class ContainerImageAnnotation : IResourceAnnotation
{
    public required string Image { get; set; }
    public string? Tag { get; set; }
    public string? Registry { get; set; }
}

public enum ContainerMountType
{
    BindMount,
    Volume,
}

public sealed class ContainerMountAnnotation(string? source, string target, ContainerMountType type, bool isReadOnly)
    : IResourceAnnotation
{
    public string? Source { get; } = source;
    public string Target { get; } = target;
    public ContainerMountType Type { get; } = type;
    public bool IsReadOnly { get; } = isReadOnly;
}
