using System.Diagnostics;
using OpenTelemetry;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Keeps requests for some paths out of the traces, with everything that happens in them. A processor rather than a sampler, so that
/// <c>OTEL_TRACES_SAMPLER</c> keeps its say: the AppHost sets <c>always_on</c>, which would record the children of a dropped span.
/// </summary>
internal sealed class QuietPaths(string[] paths) : BaseProcessor<Activity>
{
    public override void OnStart(Activity data)
    {
        if (data.Parent is { Recorded: false } || data.Kind == ActivityKind.Server && paths.Contains(data.GetTagItem("url.path") as string))
        {
            data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            data.IsAllDataRequested = false;
        }
    }
}
