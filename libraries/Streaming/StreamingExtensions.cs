using EventStore;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Metrics;
using Streaming.Opening;
using Streaming.Refusals;
using Streaming.Replay;
using Streaming.Requests;
using Streaming.Showing;
using Streaming.Sockets;
using Streaming.Takeover;

namespace Streaming;

internal static class StreamingExtensions
{
    /// <summary>Adds all but the source of live events and the rights (<see cref="IStreamAccess"/>). The log's readers
    /// (<see cref="ILogReader"/>) must have been added before.</summary>
    public static void AddStreams(this IServiceCollection services)
    {
        services
            .AddOptions<SseOptions>()
            // Further reads would only wait for a connection, and fail after some seconds.
            .PostConfigure<IOptions<EventStoreOptions>>(
                (options, store) =>
                    options.ReplayReaders = Math.Min(options.ReplayReaders, store.Value.ReplayConnections)
            )
            .ValidateAnnotations()
            .Validate(
                o => o.HeartbeatSeconds < o.DeadSeconds,
                "SseOptions.HeartbeatSeconds must be less than SseOptions.DeadSeconds. Else quiet streams would end."
            )
            .Validate<IConfiguration>(
                (_, configuration) =>
                {
                    StreamSeats.PoolsIn(configuration); // throws with the name of the pool
                    return true;
                }
            )
            .Validate<IServiceProvider>(
                (_, application) =>
                {
                    ApplicationJson.Of(application); // warns of two ways to write JSON
                    return true;
                }
            )
            .ValidateOnStart();
        // First, so that it never replaces an application's own endpoint defaults.
        services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, TakeoverSetup>());
        foreach (var pattern in GatewayTopics.Patterns)
            services.ReserveTopics(pattern);
        services.AddSingleton<StreamingMetrics>();
        services.AddHostedService(provider => provider.GetRequiredService<StreamingMetrics>());
        services.AddSingleton<Gates>();
        services
            .AddOptions<AdmissionOptions>()
            .Configure<StreamSeats>((options, seats) => options.HasReaders = () => seats.Taken > 0)
            .ValidateAnnotations()
            .ValidateOnStart();
        services.AddSingleton<LingeringRead>();
        services.AddSingleton<ReadGate>();
        services.AddSingleton(provider => new RequestBudget(
            provider.GetRequiredService<Gates>(),
            provider.GetRequiredService<ReadGate>(),
            provider.GetRequiredService<IStreamAccess>(),
            provider.GetRequiredService<IOptions<AdmissionOptions>>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        // For an application's own endpoints: lists of connections, and problem details with the fields that are wrong.
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Add(ConnectionJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Add(ProblemJson.Default);
        });
        services.AddSingleton<IApiDescriptionProvider, UndescribedQuery>();
        services.AddFeed();
        services.AddConnections();
        services.AddOpeners();
    }

    /// <summary>Adds the services that need a log in Postgres.</summary>
    public static void AddStoredStreams(this IServiceCollection services)
    {
        services.AddHostedService<LocalCommits>();
        services.AddSingleton<FiniteStreams>();
        services.AddSingleton(provider => new TopicPresence(
            provider.GetRequiredService<ReaderTimes>(),
            provider.GetRequiredService<ConnectionRegistry>(),
            provider.GetRequiredService<TimeProvider>()
        ));
    }

    public static void AddRedisIntake(this IServiceCollection services)
    {
        services.TryAddSingleton<RelayChannels>();
        services.AddSingleton<ICommitPublisher, DirectPublisher>();
        services.AddSingleton<RedisIntake>();
        services.AddSingleton<ILiveSource>(provider => provider.GetRequiredService<RedisIntake>());
        services.AddHostedService(provider => provider.GetRequiredService<RedisIntake>());
    }

    private static void AddFeed(this IServiceCollection services)
    {
        services.AddSingleton<FilterRingRegistry>();
        services.AddSingleton<DirectPages>();
        services.AddSingleton<StorePages>();
        services.AddSingleton<StoreReplay>();
        services.AddSingleton<IReplay>(provider => provider.GetRequiredService<StoreReplay>());
        services.AddSingleton<TopicFollower>();
        services.TryAddSingleton<IFeedStore, FeedStore>();
        services.AddSingleton<LiveFeed>();
        services.AddSingleton<StoreHead>();
        services.AddHostedService(provider => provider.GetRequiredService<LiveFeed>());
        services.AddHealthChecks().AddCheck<FeedHealthCheck>("sse-feed");
    }

    private static void AddConnections(this IServiceCollection services)
    {
        services.AddSingleton(provider => new PendingWriteBudget(
            provider.GetRequiredService<IOptions<SseOptions>>().Value.PendingWriteBytes,
            provider.GetRequiredService<StreamingMetrics>().Stalled
        ));
        services.AddSingleton<WriterLoopPool>();
        services.AddSingleton<SocketWatch>();
        services.AddSingleton<ConnectionRegistry>();
        services.AddSingleton<IConnectionList, ConnectionList>();
        services.AddSingleton<StreamEndLogger>();
        services.AddHostedService<StreamSweeper>();
        services.AddHostedService<ErasureWatch>();
    }

    private static void AddOpeners(this IServiceCollection services)
    {
        services.AddSingleton<StreamSeats>();
        services.AddSingleton<IStreamTotals, StreamTotals>();
        services.AddHostedService<ConnectionGauges>();
        services.AddSingleton<StreamStart>();
        services.AddSingleton<StreamRunner>();
        services.AddSingleton<ShowFunctions>();
        services.AddSingleton<FailedShows>();
        services.AddSingleton<StreamOpener>();
        services.AddSingleton<PushOpener>();
        services.AddSingleton<OpenConnections>();
        services.AddHostedService(provider => provider.GetRequiredService<OpenConnections>());
    }
}
