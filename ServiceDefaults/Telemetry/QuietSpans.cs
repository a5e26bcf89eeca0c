using System.Diagnostics;
using OpenTelemetry;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Keeps out of the traces what would bury them: requests for some paths (probes) with everything that happens in them,
/// and the queries
/// of background loops (leases, polls), which belong to no trace; metrics count both. A processor rather than a
/// sampler, so that
/// <c>OTEL_TRACES_SAMPLER</c> keeps its say: the AppHost sets <c>always_on</c>, which would record the children of a
/// dropped span.
/// </summary>
internal sealed class QuietSpans(string[] paths, string[] onlyWithinTraces) : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (
            data.Parent is { Recorded: false }
            || data.Kind == ActivityKind.Server && paths.Contains(data.GetTagItem("url.path") as string)
            || data.ParentId is null && onlyWithinTraces.Contains(data.Source.Name)
        )
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }
}
