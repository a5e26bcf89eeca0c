// Part of the stand-in for Aspire.Hosting: maps a resource's state
// to the dashboard's messages. Not affiliated with Microsoft.
using System.Globalization;
using Aspire.Hosting.Dashboard.Wire;
using Google.Protobuf.WellKnownTypes;
using Resource = Aspire.Hosting.Dashboard.Wire.Resource;

namespace Aspire.Hosting.Dashboard;

internal static class WireMapper
{
    public static Resource ToWire(ResourceEvent e, IServiceProvider services)
    {
        var s = e.Snapshot;
        var wire = new Resource
        {
            Name = e.ResourceId,
            Uid = e.ResourceId,
            DisplayName = e.Resource.Name,
            ResourceType = s.ResourceType,
            // Required; see the .proto.
            CreatedAt = Timestamp.FromDateTime(s.CreationTimeStamp ?? DateTime.UnixEpoch),
            IsHidden = s.IsHidden,
        };
        if (s.State is { } state)
            wire.State = state.Text;
        if (s.State?.Style is { } style)
            wire.StateStyle = style;
        if (s.StartTimeStamp is { } started)
            wire.StartedAt = Timestamp.FromDateTime(started);
        if (s.StopTimeStamp is { } stopped)
            wire.StoppedAt = Timestamp.FromDateTime(stopped);
        if (s.IconName is { } icon)
            wire.IconName = icon;
        if (s.IconVariant is { } variant)
            wire.IconVariant = Variant(variant);
        wire.Environment.AddRange(
            s.EnvironmentVariables.Select(v => new EnvironmentVariable
            {
                Name = v.Name,
                Value = v.Value ?? "",
                IsFromSpec = v.IsFromSpec,
            })
        );
        wire.Properties.AddRange(
            s.Properties.Select(p => new ResourceProperty
            {
                Name = p.Name,
                Value = ToValue(p.Value),
                IsSensitive = p.IsSensitive,
            })
        );
        if (s.HealthStatus is { } health)
            wire.Properties.Add(
                new ResourceProperty { Name = "resource.healthState", Value = Value.ForString(health.ToString()) }
            );
        wire.Relationships.AddRange(
            s.Relationships.Select(r => new ResourceRelationship { ResourceName = r.ResourceName, Type = r.Type })
        );
        wire.Urls.AddRange(s.Urls.Select(ToWire));
        wire.HealthReports.AddRange(s.HealthReports.Select(ToWire));
        wire.Commands.AddRange(e.Resource.Annotations.OfType<CommandAnnotation>().Select(c => ToWire(c, s, services)));
        return wire;
    }

    private static Url ToWire(UrlSnapshot u)
    {
        var wire = new Url
        {
            FullUrl = u.Url,
            IsInternal = u.IsInternal,
            IsInactive = u.IsInactive,
            DisplayProperties = new()
            {
                DisplayName = u.DisplayProperties.DisplayName,
                SortOrder = u.DisplayProperties.SortOrder,
            },
        };
        if (u.Name is { } name)
            wire.EndpointName = name;
        return wire;
    }

    private static HealthReport ToWire(HealthReportSnapshot r)
    {
        var wire = new HealthReport
        {
            Key = r.Name,
            Description = r.Description ?? "",
            Exception = r.ExceptionText ?? "",
        };
        if (r.Status is { } status)
            wire.Status = status switch
            {
                Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy => HealthStatus.Healthy,
                Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Degraded => HealthStatus.Degraded,
                _ => HealthStatus.Unhealthy,
            };
        if (r.LastRunAt is { } last)
            wire.LastRunAt = Timestamp.FromDateTime(last);
        return wire;
    }

    private static ResourceCommand ToWire(CommandAnnotation c, CustomResourceSnapshot s, IServiceProvider services)
    {
        var state =
            c.Options.UpdateState?.Invoke(
                new UpdateCommandStateContext { ResourceSnapshot = s, ServiceProvider = services }
            ) ?? ResourceCommandState.Enabled;
        var wire = new ResourceCommand
        {
            Name = c.Name,
            DisplayName = c.DisplayName,
            IsHighlighted = c.Options.IsHighlighted,
            State = (CommandState)(int)state,
        };
        if (c.Options.ConfirmationMessage is { } confirmation)
            wire.ConfirmationMessage = confirmation;
        if (c.Options.Description is { } description)
            wire.DisplayDescription = description;
        if (c.Options.IconName is { } icon)
            wire.IconName = icon;
        if (c.Options.IconVariant is { } variant)
            wire.IconVariant = Variant(variant);
        return wire;
    }

    private static Wire.IconVariant Variant(ApplicationModel.IconVariant variant) =>
        variant == ApplicationModel.IconVariant.Filled ? Wire.IconVariant.Filled : Wire.IconVariant.Regular;

    private static Value ToValue(object? value) =>
        value switch
        {
            null => Value.ForNull(),
            int number => Value.ForNumber(number),
            _ => Value.ForString(Convert.ToString(value, CultureInfo.InvariantCulture)),
        };
}
