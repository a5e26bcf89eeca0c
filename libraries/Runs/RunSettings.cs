using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Settings that the runs of this process share.</summary>
internal sealed class RunSettings(
    IOptions<SseOptions> streaming,
    [FromKeyedServices(StorePool.Reads)] EventReader reader,
    IServiceProvider services
)
{
    /// <summary>Reads what a run has, for its work.</summary>
    public EventReader Reader => reader;

    /// <summary>The name of this process in leases.</summary>
    public string Replica => streaming.Value.Replica;

    /// <summary>How the events of an application's own runs are written.</summary>
    public JsonSerializerOptions Json { get; } = RunJson.Of(services);
}
