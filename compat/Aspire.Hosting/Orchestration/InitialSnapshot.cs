// Part of the stand-in for Aspire.Hosting: the state that the dashboard
// shows of a resource before it runs. Not affiliated with Microsoft.
using System.Collections.Immutable;

namespace Aspire.Hosting.Orchestration;

internal static class InitialSnapshot
{
    public static CustomResourceSnapshot Of(Instance instance, DateTime created)
    {
        var annotations = instance.Resource.Annotations;
        var icon = annotations.OfType<ResourceIconAnnotation>().LastOrDefault();
        return new CustomResourceSnapshot
        {
            ResourceType = instance.Resource switch
            {
                ProjectResource => "Project",
                ExecutableResource => "Executable",
                ContainerResource => "Container",
                ParameterResource => "Parameter",
                ConnectionStringResource => "ConnectionString",
                var other => other.GetType().Name.Replace("Resource", "", StringComparison.Ordinal),
            },
            State = KnownResourceStates.NotStarted,
            Properties =
                instance.Resource is ProjectResource
                    ? [new("project.path", annotations.OfType<ProjectOutput>().Single().ProjectPath)]
                    : [],
            CreationTimeStamp = created,
            IsHidden = annotations.OfType<HiddenAnnotation>().Any(),
            IconName = icon?.IconName,
            IconVariant = icon?.IconVariant,
            Relationships =
            [
                .. annotations
                    .OfType<ResourceRelationshipAnnotation>()
                    .Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type))
                    .Distinct(),
            ],
            HealthReports =
            [
                .. annotations
                    .OfType<HealthCheckAnnotation>()
                    .Select(a => new HealthReportSnapshot(a.Key, null, null, null)),
            ],
        };
    }

    public static ImmutableArray<UrlSnapshot> Urls(Instance instance)
    {
        var annotations = instance.Resource.Annotations;
        var urls = annotations
            .OfType<EndpointAnnotation>()
            .Where(e => e.AllocatedEndpoint is not null)
            .Select(e =>
            {
                var url = new ResourceUrlAnnotation
                {
                    Url = e.AllocatedEndpoint!.UriString,
                    Endpoint = instance.Resource is IResourceWithEndpoints owner
                        ? new EndpointReference(owner, e.Name)
                        : null,
                };
                foreach (var change in annotations.OfType<EndpointUrlAnnotation>().Where(u => u.EndpointName == e.Name))
                    change.Callback(url);
                // A callback may set an address relative to the endpoint, such as "/health".
                if (url.Url.StartsWith('/'))
                    url.Url = e.AllocatedEndpoint.UriString + url.Url;
                return url;
            });
        return
        [
            .. urls.Select(u => new UrlSnapshot(
                u.Endpoint?.EndpointName,
                u.Url,
                u.DisplayLocation == UrlDisplayLocation.DetailsOnly
            )
            {
                IsInactive = true,
                DisplayProperties = new(u.DisplayText ?? "", u.DisplayOrder ?? 0),
            }),
        ];
    }
}
