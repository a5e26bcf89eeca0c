using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Opening;
using Streaming.Replay;
using Streaming.Takeover;

namespace Streaming;

internal static class StreamingExtensions
{
    /// <summary>
    /// Adds streaming, and the Redis servers that bring events. The host must have added the event store before.
    /// </summary>
    /// <param name="builder">The application builder.</param>
    /// <param name="replica">The name of this process in greetings, lists and leases.</param>
    public static void AddStreaming(this WebApplicationBuilder builder, string replica)
    {
        builder.AddRelayRedis();
        builder
            .Services.AddOptions<StreamingOptions>()
            .BindConfiguration("Streaming")
            .Configure(options => options.Replica = replica)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<StreamPools>();
        builder.Services.AddSingleton<FilterLogs>();
        builder.Services.AddSingleton<StoreReplay>();
        builder.Services.AddSingleton<StreamingMetrics>();
        builder.Services.AddSingleton(services => new PendingWrites(
            services.GetRequiredService<IOptions<StreamingOptions>>().Value.PendingWriteBytes,
            services.GetRequiredService<StreamingMetrics>().Stalled
        ));
        builder.Services.AddSingleton<WriterLoops>();
        builder.Services.AddSingleton<ConnectionLimits>();
        builder.Services.AddSingleton<ConnectionRegistry>();
        builder.Services.AddSingleton<ConnectionLog>();
        builder.Services.AddSingleton<StreamAdmission>();
        builder.Services.AddSingleton<StreamStart>();
        builder.Services.AddSingleton<StreamLifetime>();
        builder.Services.AddSingleton<StreamOpener>();
        builder.Services.AddSingleton<PushOpener>();
        builder.Services.AddSingleton<FiniteStreams>();
        builder.Services.AddSingleton<SlotSubscriptions>();
        builder.Services.AddSingleton<RedisIntake>();
        builder.Services.AddSingleton<EpochChange>();
        builder.Services.AddSingleton<LiveFeed>();
        builder.Services.AddSingleton<StoreHead>();
        builder.Services.AddSingleton<StoreClock>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StreamingMetrics>());
        builder.Services.AddHostedService(services => services.GetRequiredService<RedisIntake>());
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveFeed>());
        builder.Services.AddHostedService(services => services.GetRequiredService<StoreClock>());
        builder.Services.AddHostedService<StreamDrain>();
        builder.Services.AddHostedService<StreamSweeper>();
        builder.Services.AddHealthChecks().AddCheck<FeedHealthCheck>("feed");

        builder.Services.Configure<SocketTransportOptions>(sockets =>
        {
            sockets.Backlog = 4_096;
            // Kestrel buffers this much of a request before it is read. Thousands of connections may wait for their
            // turn.
            sockets.MaxReadBufferSize = 64 * 1_024;
        });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.RequestHeaderEncodingSelector = LastEventId.EncodingOf!;
            // Slow clients are handled here: Streaming:DeadSeconds ends streams, the host other answers.
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.ConfigureEndpointDefaults(endpoint =>
            {
                var unsent = endpoint
                    .ApplicationServices.GetRequiredService<IOptions<StreamingOptions>>()
                    .Value.UnsentKilobytes;
                endpoint.Use(next =>
                    connection =>
                    {
                        UnsentLimit.Set(connection.Features.Get<IConnectionSocketFeature>()?.Socket, unsent);
                        return next(connection);
                    }
                );
                endpoint.Use(ConnectionTakeover.Middleware);
            });
        });
    }
}
