using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Opening;

namespace StreamApi.Connections;

/// <summary>A server of streams only: its Kestrel and its sockets are theirs.</summary>
internal static class StreamServer
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
                // The other replicas stand in at once.
                options.ShutdownRetryMilliseconds = options.RetryMilliseconds;
            })
            .BindConfiguration("AspireSse:Streaming");
        builder.Services.AddStreamingEngine();
        builder.Services.AddRedisIntake();
        builder.Services.AddStoredStreams();

        builder
            .Services.AddOptions<SocketTransportOptions>()
            .Configure<IOptions<StreamingOptions>>((sockets, streaming) => ConfigureSockets(sockets, streaming.Value));
        builder.WebHost.ConfigureKestrel(ConfigureServer);
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
        // Slow clients are handled here: AspireSse:Streaming:DeadSeconds ends streams, the host other answers.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.InitialStreamWindowSize = UnreadBytes;
    }
}
