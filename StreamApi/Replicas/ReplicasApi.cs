using StreamApi.Streaming;
using StreamApi.Streaming.Connections;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Feed;

namespace StreamApi.Replicas;

/// <summary><c>GET /v1/replicas</c>: every StreamApi replica with its own address, since the public one may be any of them.</summary>
internal static class ReplicasApi
{
    public static void AddReplicas(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ReplicaOptions>().BindConfiguration("Replicas").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ReplicaDirectory>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ReplicaDirectory>());
    }

    public static void MapReplicas(this IEndpointRouteBuilder app) =>
        app.MapGet("/v1/replicas", async (ReplicaDirectory directory, CancellationToken cancellationToken) => TypedResults.Ok(await directory.AllAsync(cancellationToken))).WithTags("Replicas");
}

/// <summary>One replica. <c>lag</c> is in positions; <c>mode</c> is <c>live</c> or <c>degraded</c>.</summary>
internal sealed record Replica(string Name, string Url, int Connections, string Head, long Lag, string Mode)
{
    public static Replica Here(string url, Streams streams, ConnectionRegistry registry, FilterLogs logs, LiveFeed feed) => new(
        streams.Replica, url, registry.Count, new EventStore.StreamId(logs.Epoch, logs.Settled).ToString(), feed.Lag, feed.Mode == FeedMode.Live ? "live" : "degraded");
}
