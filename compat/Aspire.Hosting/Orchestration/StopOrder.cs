// Part of the stand-in for Aspire.Hosting: the order in which resources stop. Not affiliated with Microsoft.
namespace Aspire.Hosting.Orchestration;

internal static class StopOrder
{
    /// <summary>Groups the resources that can stop together: dependents (services)
    /// first, their dependencies (Redis, then Postgres) last. Resources without
    /// dependencies are the stores; they stop one by one, last added first.</summary>
    public static IEnumerable<IReadOnlyList<IResource>> Of(IReadOnlyCollection<IResource> resources)
    {
        var depths = new Dictionary<IResource, int>();
        return resources
            .GroupBy(Depth)
            .OrderByDescending(g => g.Key)
            .SelectMany(g => g.Key > 0 ? [g.ToArray()] : g.Reverse().Select(r => new[] { r }));

        int Depth(IResource resource)
        {
            if (depths.TryGetValue(resource, out var known))
                return known;
            depths[resource] = 0; // ends the walk in a cycle of references
            return depths[resource] = Dependencies(resource).Select(d => Depth(d) + 1).DefaultIfEmpty(0).Max();
        }
    }

    private static IEnumerable<IResource> Dependencies(IResource resource) =>
        resource
            .Annotations.OfType<WaitAnnotation>()
            .Select(w => w.Resource)
            .Concat(
                resource
                    .Annotations.OfType<ResourceRelationshipAnnotation>()
                    .Where(r => r.Type == "Reference")
                    .Select(r => r.Resource)
            );
}
