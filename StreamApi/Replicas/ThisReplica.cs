using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Options;
using Npgsql;

namespace StreamApi.Replicas;

/// <summary>This replica, as it describes itself to the others.</summary>
internal sealed class ThisReplica(
    [FromKeyedServices(ReplicaTable.Pool)] NpgsqlDataSource store,
    IServer server,
    IOptions<SseOptions> streaming,
    IOptions<ReplicaOptions> options,
    IConnectionList streams
)
{
    public string Name => streaming.Value.Replica;

    public Replica Describe()
    {
        var stats = streams.ReadStats();
        return new(
            Name,
            ReplicaAddress.Of(options.Value, server, store),
            stats.Connections,
            stats.Head?.ToString() ?? "",
            stats.Lag,
            stats is { Head: not null, IsDegraded: false } ? "live" : "degraded"
        );
    }
}
