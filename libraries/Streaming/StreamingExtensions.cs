using EventStore;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Opening;
using Streaming.Replay;
using Streaming.Requests;
using Streaming.Takeover;

namespace Streaming;

internal static class StreamingExtensions
{
    /// <summary>Bytes that Kestrel buffers of a request before it is read: thousands may wait for their turn.</summary>
    private const int UnreadBytes = 64 * 1_024;

    /// <summary>Adds streaming with its Redis, and configures Kestrel for it. The host must have added the event store
    /// before, and adds <see cref="IStreamAccess"/>.</summary>
    /// <param name="replica">The name of this process in greetings, lists and leases.</param>
    public static void AddStreaming(this WebApplicationBuilder builder, string replica)
    {
        builder.AddRelayRedis();
        builder
            .Services.AddOptions<StreamingOptions>()
            .Configure(options =>
            {
                options.Replica = replica;
                options.TakeOverConnections = true;
            })
            .BindConfiguration("Streaming");
        builder.Services.AddStreamingEngine();
        builder.Services.AddRedisIntake();
        builder.Services.AddHostedService<LocalCommits>();
        builder.Services.AddSingleton<FiniteStreams>();

        builder
            .Services.AddOptions<SocketTransportOptions>()
            .Configure<IOptions<StreamingOptions>>((sockets, streaming) => ConfigureSockets(sockets, streaming.Value));
        builder.WebHost.ConfigureKestrel(ConfigureServer);
    }

    /// <summary>Adds all but the source of live events and the rights (<see cref="IStreamAccess"/>). The log's readers
    /// (<see cref="ILogReader"/>) must have been added before.</summary>
    public static void AddStreamingEngine(this IServiceCollection services)
    {
        services
            .AddOptions<StreamingOptions>()
            // Further reads would only wait for a connection, and fail after some seconds.
            .PostConfigure<IOptions<EventStoreOptions>>(
                (options, store) =>
                    options.ReplayReaders = Math.Min(options.ReplayReaders, store.Value.ReplayConnections)
            )
            .ValidateAnnotations()
            .Validate(
                o => o.HeartbeatSeconds < o.DeadSeconds,
                "Streaming:HeartbeatSeconds must be less than Streaming:DeadSeconds. Else quiet streams would be ended."
            )
            .Validate<IConfiguration>(
                (_, configuration) =>
                {
                    StreamSeats.PoolsIn(configuration); // throws with the name of the pool
                    return true;
                }
            )
            .ValidateOnStart();
        // First, so that it never replaces an application's own endpoint defaults.
        services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, TakeoverSetup>());
        services.AddSingleton<StreamingMetrics>();
        services.AddHostedService(provider => provider.GetRequiredService<StreamingMetrics>());
        services.AddSingleton<Gates>();
        services
            .AddOptions<AdmissionOptions>()
            .Configure<StreamSeats>((options, seats) => options.HasReaders = () => seats.Taken > 0);
        services.AddSingleton<IClients>(provider => provider.GetRequiredService<IStreamAccess>());
        services.AddSingleton<LingeringRead>();
        services.AddSingleton<ReadGate>();
        services.AddSingleton<RequestBudget>();
        services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.TypeInfoResolverChain.Add(StreamingJson.Default)
        );
        services.AddFeed();
        services.AddConnections();
        services.AddOpeners();
    }

    public static void AddRedisIntake(this IServiceCollection services)
    {
        services.AddSingleton<RedisIntake>();
        services.AddSingleton<ILiveSource>(provider => provider.GetRequiredService<RedisIntake>());
        services.AddHostedService(provider => provider.GetRequiredService<RedisIntake>());
    }

    private static void AddFeed(this IServiceCollection services)
    {
        services.AddSingleton<FilterRingRegistry>();
        services.AddSingleton<StorePages>();
        services.AddSingleton<StoreReplay>();
        services.AddSingleton<IReplay>(provider => provider.GetRequiredService<StoreReplay>());
        services.TryAddSingleton<IFeedStore, FeedStore>();
        services.AddSingleton<LiveFeed>();
        services.AddSingleton<StoreHead>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveFeed>());
        services.AddHealthChecks().AddCheck<FeedHealthCheck>("feed");
    }

    private static void AddConnections(this IServiceCollection services)
    {
        services.AddSingleton(provider => new PendingWriteBudget(
            provider.GetRequiredService<IOptions<StreamingOptions>>().Value.PendingWriteBytes,
            provider.GetRequiredService<StreamingMetrics>().Stalled
        ));
        services.AddSingleton<WriterLoopPool>();
        services.AddSingleton<ConnectionRegistry>();
        services.AddSingleton<IConnectionList, ConnectionList>();
        services.AddSingleton<StreamEndLogger>();
        services.AddHostedService<StreamSweeper>();
    }

    private static void AddOpeners(this IServiceCollection services)
    {
        services.AddSingleton<StreamSeats>();
        services.AddSingleton<StreamStart>();
        services.AddSingleton<StreamRunner>();
        services.AddSingleton<StreamOpener>();
        services.AddSingleton<PushOpener>();
    }

    /// <summary>Limits what the kernel and Kestrel keep of each connection.</summary>
    internal static void ConfigureSockets(SocketTransportOptions sockets, StreamingOptions options)
    {
        sockets.Backlog = 4_096;
        sockets.MaxReadBufferSize = UnreadBytes;
        sockets.CreateBoundListenSocket = endpoint =>
        {
            // Connections inherit the options of the socket that accepts them.
            var listener = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            StreamSocket.LimitUnsent(listener, options.UnsentKilobytes);
            StreamSocket.GiveUpAfter(listener, TimeSpan.FromSeconds(options.DeadSeconds));
            return listener;
        };
    }

    private static void ConfigureServer(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.RequestHeaderEncodingSelector = LastEventId.EncodingOf!;
        // Slow clients are handled here: Streaming:DeadSeconds ends streams, the host other answers.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.InitialStreamWindowSize = UnreadBytes;
    }
}
