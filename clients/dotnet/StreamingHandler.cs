using System.Net;
using System.Text;

namespace AspireSse.Client;

/// <summary>An <see cref="HttpClient"/> made for streams.</summary>
internal static class StreamingHandler
{
    public static SocketsHttpHandler Create() =>
        new()
        {
            MaxConnectionsPerServer = int.MaxValue,
            EnableMultipleHttp2Connections = true, // a server takes about 100 streams a connection
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // follow DNS; a stream in progress is not cut
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseDrainSize = 0, // leaving a stream closes it: there is no end to drain to
            ResponseDrainTimeout = TimeSpan.Zero,
            AutomaticDecompression = DecompressionMethods.None, // a compressed stream is a buffered one
            UseCookies = false,
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
