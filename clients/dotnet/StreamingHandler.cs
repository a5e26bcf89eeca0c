using System.Net;
using System.Text;

namespace AspireSse.Client;

/// <summary>HTTP without limits on connections, compression or cookies, for streams that never end.</summary>
internal static class StreamingHandler
{
    public static SocketsHttpHandler Create() =>
        new()
        {
            MaxConnectionsPerServer = int.MaxValue,
            EnableMultipleHttp2Connections = true, // servers allow about 100 streams per connection
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // follows DNS changes; does not cut open streams
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseDrainSize = 0, // close abandoned streams at once; they have no end to drain to
            ResponseDrainTimeout = TimeSpan.Zero,
            // An HTTP/2 connection outlives its cancelled streams: without pings, each reconnection of a silent stream
            // would use the same dead connection.
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            AutomaticDecompression = DecompressionMethods.None, // compression buffers
            UseCookies = false,
            AllowAutoRedirect = false, // RedirectedRequest follows them: a handler would send keys to any origin
            RequestHeaderEncodingSelector = static (name, _) => name == "Last-Event-ID" ? Encoding.UTF8 : null,
        };

    public static HttpClient CreateClient() =>
        new(Create())
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
}
