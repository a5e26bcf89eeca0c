using System.Diagnostics;
using OpenTelemetry;

namespace ServiceDefaults.Telemetry;

/// <summary>Drops spans that would hide the others: health probes with their children, and background queries (leases,
/// polls) outside a trace. A processor, not a sampler: with <c>OTEL_TRACES_SAMPLER=always_on</c>, as in the AppHost, a
/// sampler would keep the children of a dropped span.</summary>
internal sealed class QuietSpans(string[] paths, string[] onlyWithinTraces) : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (
            IsChildOfDropped(data)
            || data.Kind == ActivityKind.Server && paths.Contains(data.GetTagItem("url.path") as string)
            || data.ParentId is null && onlyWithinTraces.Contains(data.Source.Name)
        )
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }

    /// <summary>Finds children of dropped spans. The Redis client makes its spans afterwards, so they know their parent
    /// by its id alone, which ends with its flags (W3C Trace Context §3.2.2).</summary>
    private static bool IsChildOfDropped(Activity data) =>
        data.Parent is { Recorded: false }
        || data is { Parent: null, HasRemoteParent: false }
            && data.ParentId?.EndsWith("-00", StringComparison.Ordinal) == true;
}
