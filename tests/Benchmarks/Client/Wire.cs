using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Benchmarks.Client;

/// <summary>The clock, the event format and the sockets that reader and publisher share.</summary>
internal static class Wire
{
    private static int _sources;

    /// <summary>Returns the time in units of 100 ns since 1970, by
    /// the machine's clock, which both processes share.</summary>
    public static long Now() => DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks;

    /// <summary>Returns an event, <c>{"n":17,"t":17600000000000000,"pad":"xxx"}</c>:
    /// its number from 1, the time it was due, and padding to 120 bytes.</summary>
    public static string Event(long number, long at)
    {
        const int Size = 120;
        var text = string.Create(CultureInfo.InvariantCulture, $"{{\"n\":{number},\"t\":{at},\"pad\":\"");
        return $"{text}{new string('x', Math.Max(0, Size - text.Length - 2))}\"}}";
    }

    /// <summary>Reads an event as above, or one of LoadTests with its time in nanoseconds:
    /// <c>{"publisher":3,"sequence":17,"t":1760000000000000000,…}</c>.</summary>
    public static bool TryReadEvent(ReadOnlySpan<byte> data, out long number, out long at)
    {
        if (TryRead(data, "\"n\":"u8, out number, out at))
            return true;
        if (!TryRead(data, "\"sequence\":"u8, out number, out at))
            return false;
        at /= 100;
        return true;
    }

    private static bool TryRead(ReadOnlySpan<byte> data, ReadOnlySpan<byte> name, out long number, out long at)
    {
        number = 0;
        at = 0;
        var start = data.IndexOf(name);
        if (start < 0 || !Utf8Parser.TryParse(data = data[(start + name.Length)..], out number, out int digits))
            return false;

        data = data[digits..];
        return data.StartsWith(",\"t\":"u8) && Utf8Parser.TryParse(data[5..], out at, out _);
    }

    /// <summary>Connects from one of many loopback addresses: one alone has
    /// only 28,000 ports, each in use for a minute after closing.</summary>
    public static Socket Connect(IPEndPoint server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        if (server.Address.Equals(IPAddress.Loopback))
        {
            socket.SetRawSocketOption(
                0,
                24 /* IP_BIND_ADDRESS_NO_PORT */
                ,
                BitConverter.GetBytes(1)
            );
            socket.Bind(
                new IPEndPoint(new IPAddress([127, 0, 1, (byte)(1 + Interlocked.Increment(ref _sources) % 16)]), 0)
            );
        }

        socket.Connect(server);
        return socket;
    }

    public static byte[] Request(string method, Uri url, string headers = "", string body = "")
    {
        var length = body.Length > 0 ? $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n" : "";
        return Encoding.UTF8.GetBytes(
            $"{method} {url.PathAndQuery} HTTP/1.1\r\nHost: {url.Authority}\r\n{headers}{length}\r\n{body}"
        );
    }
}
