using System.Diagnostics;
using OpenTelemetry;

namespace ServiceDefaults.Telemetry;

/// <summary>Drops spans that hide others: health probes with children, and background queries outside a trace. A
/// sampler would keep the children with <c>OTEL_TRACES_SAMPLER=always_on</c>, as in the AppHost.</summary>
internal sealed class QuietSpans(string[] paths, string[] onlyWithinTraces) : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        // The id of the parent is asked last: it is a text that the first look at it makes.
        if (
            IsChildOfDropped(data)
            || data.Kind == ActivityKind.Server && paths.Contains(data.GetTagItem("url.path") as string)
            || onlyWithinTraces.Contains(data.Source.Name) && data is { Parent: null, ParentId: null }
        )
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }

    /// <summary>Finds children of dropped spans. Spans of the Redis client, made later, know their parent only by its
    /// id, which ends with its flags (W3C Trace Context §3.2.2).</summary>
    private static bool IsChildOfDropped(Activity data) =>
        data.Parent is { Recorded: false }
        || data is { Parent: null, HasRemoteParent: false }
            && data.ParentId?.EndsWith("-00", StringComparison.Ordinal) == true;
}
