// Part of the stand-in for Aspire.Hosting: who stops before whom. Not affiliated with Microsoft.
namespace Aspire.Hosting.Orchestration;

internal static class StopOrder
{
    /// <summary>
    /// Groups that can stop together: first what nothing depends on (services), last what everything needs (Redis, then
    /// Postgres). What
    /// depends on nothing itself stops one by one, last added first: those are the stores.
    /// </summary>
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
            depths[resource] = 0; // ends the walk where resources refer to each other in a circle
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
