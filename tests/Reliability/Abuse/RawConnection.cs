using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reliability.Abuse;

/// <summary>A connection that sends any bytes and waits on a thread of its own.</summary>
internal sealed class RawConnection : IDisposable
{
    /// <summary>The load's own address; the regular users have 127.0.0.1.</summary>
    private static readonly IPAddress Address = IPAddress.Parse("127.0.0.2");

    private const int IpProtoIp = 0,
        IpBindAddressNoPort = 24;

    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[4_096];
    private readonly Uri _server;

    /// <param name="server">The server.</param>
    /// <param name="receiveBuffer">Bytes of the kernel's buffer; 0: its default.</param>
    /// <param name="from">The client's address; default: the load's.</param>
    public RawConnection(Uri server, int receiveBuffer = 0, IPAddress? from = null)
    {
        _server = server;
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = 15_000,
            ReceiveTimeout = 45_000,
        };

        if (receiveBuffer > 0)
            _socket.ReceiveBufferSize = receiveBuffer;

        // Lets the kernel choose the port at the connect (ip(7)): with ten thousand connections, the search for a free
        // port at the bind would be most of the work.
        _socket.SetRawSocketOption(IpProtoIp, IpBindAddressNoPort, BitConverter.GetBytes(1));
        _socket.Bind(new IPEndPoint(from ?? Address, 0));
        _socket.Connect(IPAddress.Loopback, server.Port);
    }

    /// <summary>True if the server has closed the connection, checked without waiting.</summary>
    public bool IsClosed
    {
        get
        {
            try
            {
                while (_socket.Poll(0, SelectMode.SelectRead))
                    if (_socket.Receive(_buffer) == 0)
                        return true;
                return false;
            }
            catch (SocketException)
            {
                return true;
            }
        }
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[_socket.Send(bytes)..];
    }

    public void SendHead(string method, string path, string token, string headers = "") =>
        Send(
            Encoding.ASCII.GetBytes(
                $"{method} {path} HTTP/1.1\r\nHost: {_server.Authority}\r\n"
                    + $"Authorization: Bearer {token}\r\n{headers}\r\n"
            )
        );

    /// <summary>Sends a few bytes; false if the server has reset the connection.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return _socket.Send(bytes) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Sends a request without a body, and reads the whole answer.</summary>
    /// <returns>The answer's status.</returns>
    public int Ask(string method, string path, string token, string headers = "")
    {
        SendHead(method, path, token, headers);
        return ReadAnswer(withBody: true).Status;
    }

    /// <summary>Sends a request with a body, and reads the whole answer.</summary>
    /// <returns>The answer's status.</returns>
    public int Post(string path, string token, ReadOnlySpan<byte> body, string type = "application/json")
    {
        SendHead("POST", path, token, $"Content-Type: {type}\r\nContent-Length: {body.Length}\r\n");
        Send(body);
        return ReadAnswer(withBody: true).Status;
    }

    /// <summary>Publishes events in bulk, each on a topic by its number.</summary>
    public int PostLines(string path, string token, int events, Func<int, string> topic)
    {
        var lines = Enumerable
            .Range(0, events)
            .Select(n => $"{{\"topic\":\"{topic(n)}\",\"type\":\"n\",\"data\":1}}\n");
        return Post(path, token, Encoding.ASCII.GetBytes(string.Concat(lines)), "application/x-ndjson");
    }

    /// <summary>Sends a request with a body.</summary>
    /// <returns>The text of one member of the answer.</returns>
    public string PostFor(string member, string path, string token, ReadOnlySpan<byte> body)
    {
        SendHead("POST", path, token, $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n");
        Send(body);
        var name = $"\"{member}\":\"";
        var text = ReadUntil(name);
        var at = text.ToString().IndexOf(name, StringComparison.Ordinal);
        while (text.ToString().IndexOf('"', at + name.Length) < 0)
            Read(text);

        var answer = text.ToString()[(at + name.Length)..];
        return answer[..answer.IndexOf('"', StringComparison.Ordinal)];
    }

    public (int Status, bool HasRetryAfter) ReadAnswer(bool withBody)
    {
        var text = ReadUntil("\r\n\r\n");
        var answer = text.ToString();
        var head = answer[..answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        var chunked = head.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase);
        var length = head.Split("\r\n")
            .FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            is { } line
            ? long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture)
            : 0;

        if (withBody && chunked)
            ReadToEndOfChunks(text);

        for (long missing = length - (text.Length - head.Length - 4); withBody && !chunked && missing > 0; )
            missing -= Receive();

        return (
            int.Parse(head.Split(' ')[1], CultureInfo.InvariantCulture),
            head.Contains("Retry-After:", StringComparison.OrdinalIgnoreCase)
        );
    }

    /// <summary>Reads until a text has come. Returns everything so far.</summary>
    public StringBuilder ReadUntil(string end)
    {
        var text = new StringBuilder();
        while (!text.ToString().Contains(end, StringComparison.Ordinal))
            Read(text);
        return text;
    }

    /// <summary>Closes the connection in order, where <see cref="Dispose"/> resets it.</summary>
    public void End() => _socket.Close();

    public void Dispose() => _socket.Close(0);

    // The answer ends with the last chunk, since its JSON has no line breaks. Only the tail is kept: an answer to
    // 50,000 events is long.
    private void ReadToEndOfChunks(StringBuilder text)
    {
        while (!(text.Length >= 7 && text.ToString(text.Length - 7, 7) == "\r\n0\r\n\r\n"))
        {
            Read(text);
            if (text.Length > 64)
                text.Remove(0, text.Length - 64);
        }
    }

    private void Read(StringBuilder text)
    {
        var read = Receive();
        text.Append(Encoding.Latin1.GetString(_buffer, 0, read));
    }

    private int Receive() =>
        _socket.Receive(_buffer) is > 0 and var read
            ? read
            : throw new SocketException((int)SocketError.ConnectionReset);
}
