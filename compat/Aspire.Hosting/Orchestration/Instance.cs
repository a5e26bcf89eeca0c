// Part of the stand-in for Aspire.Hosting: one replica of a resource. Not affiliated with Microsoft.
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Orchestration;

/// <summary>One replica, named <c>streamapi-kqwzrtbn</c> in DCP, in the dashboard and (service.name
/// + service.instance.id) in its telemetry, so that the dashboard joins them. A resource without a
/// process (parameter, connection string) has one instance under its own name.</summary>
internal sealed class Instance
{
    private Instance(IResource resource, string id, string suffix) => (Resource, Id, Suffix) = (resource, id, suffix);

    public IResource Resource { get; }
    public string Id { get; }
    public string Suffix { get; }
    public bool IsProcess => Suffix.Length > 0;
    public string Plural => Resource is ContainerResource ? "containers" : "executables";

    /// <summary>The ports that this replica itself listens on, by DCP
    /// service, behind the proxy that the replicas share.</summary>
    public ConcurrentDictionary<string, int> Ports { get; } = new();

    /// <summary>Allows one start or stop at a time.</summary>
    public SemaphoreSlim Turn { get; } = new(1);

    /// <summary>The object that DCP was asked to run; null before that.</summary>
    public JsonObject? Spec { get; set; }

    /// <summary>True when the arguments contain a password; the dashboard hides them.</summary>
    public bool HasSecretArguments { get; set; }

    public static IEnumerable<Instance> Of(IResource resource)
    {
        if (resource is not (ProjectResource or ExecutableResource or ContainerResource))
            return [new(resource, resource.Name, "")];
        var replicas = resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1;
        return Enumerable
            .Range(0, replicas)
            .Select(_ => RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz", 8))
            .Select(s => new Instance(resource, $"{resource.Name}-{s}", s));
    }
}
