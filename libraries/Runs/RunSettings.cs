using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming;

namespace Runs;

/// <summary>What the runs of this process have of its settings.</summary>
internal sealed class RunSettings(IOptions<StreamingOptions> streaming, IServiceProvider services)
{
    /// <summary>The name of this process in leases.</summary>
    public string Replica => streaming.Value.Replica;

    /// <summary>How the events of an application's own runs are written.</summary>
    public JsonSerializerOptions Json { get; } = RunJson.Of(services);
}
