using System.Net;
using System.Net.Sockets;

namespace Reliability.Abuse;

/// <summary>A bare server that accepts every connection and gives all the same answer. An abuse of it shows how much
/// the machine alone slows other programs down.</summary>
internal sealed class PlainListener : IDisposable
{
    private const int Backlog = 10_000;

    private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _accepted = [];
    private readonly Task _accepting;

    public PlainListener()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(Backlog);
        _accepting = Attack.OnThreads(1, _ => Accept());
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}/");

    private void Accept()
    {
        try
        {
            while (true)
            {
                _accepted.Add(_listener.Accept());
                _accepted[^1].Send("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"u8);
            }
        }
        catch (SocketException) { } // closed
    }

    public void Dispose()
    {
        _listener.Dispose();
        _accepting.Wait();
        foreach (var socket in _accepted)
            socket.Dispose();
    }
}
