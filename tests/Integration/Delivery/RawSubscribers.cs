using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Integration.Delivery;

/// <summary>Readers of one stream that only count the events, so that a thousand of them leave the processor to the
/// server.</summary>
internal sealed class RawSubscribers : IAsyncDisposable
{
    /// <summary>The byte that each event's data must contain once, and nothing else on the stream contains.</summary>
    public const char Mark = '~';

    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _reading = [];
    private long _received;

    /// <summary>Number of events that all readers together have received.</summary>
    public long Received => Interlocked.Read(ref _received);

    public int Count => _sockets.Count;

    /// <summary>Number of TCP segments with data that all readers together have received. One that goes to loopback is
    /// as large as the server's system call that sent it.</summary>
    public long Segments => _sockets.Sum(SegmentsOf);

    /// <summary>Opens streams one after the other, and returns when each has its headers.</summary>
    public static async Task<RawSubscribers> OpenAsync(Uri server, string path, int count)
    {
        var subscribers = new RawSubscribers();
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {server.Authority}\r\n\r\n");
        for (var i = 0; i < count; i++)
            await subscribers.OpenAsync(server.Port, request);
        return subscribers;
    }

    /// <summary>Waits until all readers together have received this many events.</summary>
    public async Task WaitForAsync(long events)
    {
        while (Received < events)
            await Task.Delay(1, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets)
            socket.Dispose();
        await Task.WhenAll(_reading);
    }

    /// <summary>Reads <c>tcpi_data_segs_in</c> (tcp(7), linux/tcp.h).</summary>
    private static long SegmentsOf(Socket socket)
    {
        const int Tcp = 6,
            Info = 11,
            DataSegmentsIn = 152; // its offset

        Span<byte> info = stackalloc byte[DataSegmentsIn + sizeof(uint)];
        var length = socket.GetRawSocketOption(Tcp, Info, info);
        Assert.Equal(info.Length, length);

        return BitConverter.ToUInt32(info[DataSegmentsIn..]);
    }

    private async Task OpenAsync(int port, byte[] request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        _sockets.Add(socket);
        await socket.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        await socket.SendAsync(request, TestContext.Current.CancellationToken);

        var first = new byte[4_096];
        var length = await socket.ReceiveAsync(first, TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(first, 0, length), StringComparison.Ordinal);
        _reading.Add(ReadAsync(socket, first));
    }

    private async Task ReadAsync(Socket socket, byte[] buffer)
    {
        try
        {
            while (await socket.ReceiveAsync(buffer) is var length and > 0)
                Interlocked.Add(ref _received, buffer.AsSpan(0, length).Count((byte)Mark));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        { /* closed by the test */
        }
    }
}
