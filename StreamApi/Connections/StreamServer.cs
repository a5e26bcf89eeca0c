using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace StreamApi.Connections;

/// <summary>A server of streams only: its Kestrel and its sockets are theirs.</summary>
internal static class StreamServer
{
    /// <summary>Bytes that Kestrel buffers of a request before it is read: thousands may wait for their turn.</summary>
    private const int UnreadBytes = 64 * 1_024;

    private const int IpProtoTcp = 6,
        TcpUserTimeout = 18,
        TcpNotSentLowAt = 25;

    /// <summary>Adds streaming with its Redis, and configures Kestrel for it. The host must have added the event store
    /// and its <see cref="IStreamAccess"/> before.</summary>
    /// <param name="replica">The name of this process in greetings, lists and leases.</param>
    public static void AddStreaming(this WebApplicationBuilder builder, string replica)
    {
        builder.AddSse(
            options =>
            {
                options.TakeOverConnections = true;
                // The other replicas stand in at once.
                options.ShutdownRetryMilliseconds = options.RetryMilliseconds;
            },
            redis: "redis",
            replica
        );
        builder.Services.AddOptions<SseOptions>().BindConfiguration("AspireSse:Streaming");
        // This service refuses settings that nobody reads (CheckOptionKeys).
        builder.Logging.AddFilter("EventStore.KnownSettings", LogLevel.None);

        builder
            .Services.AddOptions<SocketTransportOptions>()
            .Configure<IOptions<SseOptions>>((sockets, streaming) => ConfigureSockets(sockets, streaming.Value));
        builder.WebHost.ConfigureKestrel(ConfigureServer);
    }

    /// <summary>Limits what the kernel and Kestrel keep of each connection.</summary>
    internal static void ConfigureSockets(SocketTransportOptions sockets, SseOptions options)
    {
        sockets.Backlog = 4_096;
        sockets.MaxReadBufferSize = UnreadBytes;
        sockets.CreateBoundListenSocket = endpoint =>
        {
            // Connections inherit the options of the socket that accepts them.
            var listener = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            if (OperatingSystem.IsLinux() && endpoint is IPEndPoint)
                SetOptions(listener, options);
            return listener;
        };
    }

    /// <summary>Limits what the kernel buffers beyond the bytes in flight, and breaks a connection whose peer
    /// acknowledges nothing (tcp(7)).</summary>
    private static void SetOptions(Socket listener, SseOptions options)
    {
        if (options.UnsentKilobytes > 0)
            Set(TcpNotSentLowAt, options.UnsentKilobytes * 1_024);
        Set(TcpUserTimeout, options.DeadSeconds * 1_000);

        void Set(int option, int value) =>
            listener.SetRawSocketOption(IpProtoTcp, option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
    }

    private static void ConfigureServer(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // Keeps the header's bytes: those that are not UTF-8 are no valid id, but no reason to refuse.
        kestrel.RequestHeaderEncodingSelector = header =>
            header.Equals("Last-Event-ID", StringComparison.OrdinalIgnoreCase) ? Encoding.Latin1 : null!;
        // Slow clients are handled here: AspireSse:Streaming:DeadSeconds ends streams, the host other answers.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.InitialStreamWindowSize = UnreadBytes;
    }
}
