using System.Net;
using System.Net.Sockets;
using Harness.Worlds;

namespace Proxies;

/// <summary>A client with an address of its own, so that a proxy's address is another one.</summary>
internal static class StreamClient
{
    public const string Address = "127.0.0.2",
        Forged = "203.0.113.9";

    /// <param name="acceptsGzip">True if it decompresses.</param>
    /// <param name="http2">True for HTTP/2 without TLS, over one connection.</param>
    public static HttpClient Create(bool acceptsGzip = false, bool http2 = false)
    {
        var handler = new SocketsHttpHandler
        {
            AutomaticDecompression = acceptsGzip ? DecompressionMethods.GZip : DecompressionMethods.None,
            EnableMultipleHttp2Connections = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(IPAddress.Parse(Address), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new(handler)
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            DefaultRequestHeaders = { { "X-Api-Key", Product.Key }, { "X-Forwarded-For", Forged } },
        };
    }

    /// <summary>Opens a stream and waits for its first frame. Null if it does not come in this time.</summary>
    public static async Task<SseReader?> OpenAsync(HttpClient client, Uri url, string topic, TimeSpan within)
    {
        var opening = SseReader.OpenAsync(url, Product.Stream(topic), client: client);
        try
        {
            var reader = await opening.WaitAsync(within);
            await reader.WaitAsync(r => r.Frames.Count > 0).WaitAsync(within);
            return reader;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }
}
