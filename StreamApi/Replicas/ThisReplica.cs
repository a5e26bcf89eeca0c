using EventStore;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Opening;

namespace StreamApi.Replicas;

/// <summary>This replica, as it describes itself to the others.</summary>
internal sealed class ThisReplica(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IServer server,
    IOptions<StreamingOptions> streaming,
    IOptions<ReplicaOptions> options,
    StreamSeats seats,
    FilterRingRegistry rings,
    LiveFeed feed
)
{
    public string Name => streaming.Value.Replica;

    public Replica Describe() =>
        new(
            Name,
            ReplicaAddress.Of(options.Value, server, store),
            seats.Taken,
            rings.Now.Settled.ToString(),
            feed.Lag,
            feed.Mode == FeedMode.Live ? "live" : "degraded"
        );
}
