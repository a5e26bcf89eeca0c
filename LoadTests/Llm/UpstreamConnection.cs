using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LoadTests.Llm;

/// <summary>
/// A connection to the fake upstream: as much HTTP/1.1 as one well-behaved client needs, one request at a time. One
/// thread sends thousands of tokens a second to all connections and never waits for a socket.
/// </summary>
internal sealed class UpstreamConnection(Socket socket) : IDisposable
{
    private const string Head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    private readonly byte[] _request = new byte[64 * 1024];
    private ReadOnlyMemory<byte> _unsent;
    private UpstreamAnswer? _answer;
    private TaskCompletionSource<bool> _answered = new();
    private long _due;
    private bool _ended,
        _isToken;

    /// <summary>Completes with true when the whole answer was sent.</summary>
    public Task<bool> Answered => _answered.Task;

    /// <summary>Returns the first message of the next request, or null when the client has disconnected.</summary>
    public async Task<string?> ReadPromptAsync(CancellationToken cancellationToken)
    {
        for (var (read, body, length) = (0, 0, 0); ; )
        {
            if (read == _request.Length)
                throw new InvalidDataException("The request is larger than 64 kB.");

            var count = await socket.ReceiveAsync(_request.AsMemory(read), cancellationToken);
            if (count == 0)
                return null;

            read += count;
            if (body == 0 && _request.AsSpan(0, read).IndexOf("\r\n\r\n"u8) is > 0 and var end)
            {
                body = end + 4;
                var head = Encoding.ASCII.GetString(_request, 0, end).Split("\r\n");
                var line =
                    head.FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                    ?? throw new InvalidDataException("The request has no Content-Length.");

                length = int.Parse(
                    line["Content-Length:".Length..],
                    NumberStyles.AllowLeadingWhite,
                    CultureInfo.InvariantCulture
                );
            }

            if (body == 0 || read < body + length)
                continue;

            using var json = JsonDocument.Parse(_request.AsMemory(body, length));
            return json.RootElement.GetProperty("messages")[0].GetProperty("content").GetString();
        }
    }

    public async Task RefuseAsync(CancellationToken cancellationToken) =>
        await socket.SendAsync(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(),
            cancellationToken
        );

    public void Begin(UpstreamAnswer answer, long now)
    {
        _answer = answer;
        _due = now;
        _ended = false;
        _isToken = false;
        _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _unsent = Encoding.ASCII.GetBytes(Head);
        socket.Blocking = false;
    }

    /// <summary>Sends the due tokens, as far as the socket takes them.</summary>
    /// <returns>False when the answer has ended.</returns>
    public bool SendDue(long now, long interval)
    {
        try
        {
            while (Flush())
            {
                if (_ended)
                {
                    _answered.TrySetResult(true);
                    return false;
                }
                if (now < _due)
                    return true;
                _due += interval;
                var token = _answer!.NextToken();
                _isToken = token is not null;
                _ended = token is null;
                _unsent = token is null ? LastChunks() : Chunk(Delta(token));
            }
            return true;
        }
        catch (SocketException)
        {
            Abort();
            return false;
        }
    }

    public void Abort() => _answered.TrySetResult(false);

    private bool Flush()
    {
        while (_unsent.Length > 0)
        {
            var sent = socket.Send(_unsent.Span, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
                return false;
            if (error != SocketError.Success)
                throw new SocketException((int)error);
            _unsent = _unsent[sent..];
        }
        if (_isToken)
            _answer!.MarkSent();
        _isToken = false;
        return true;
    }

    private static string Delta(string token)
    {
        var text = JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(token);
        var choice = $$"""{"index":0,"delta":{"content":"{{text}}"},"finish_reason":null}""";
        return $$"""{"id":"load","model":"load","choices":[{{choice}}]}""";
    }

    // "e\r\ndata: {…}\n\n\r\n": one chunk for each token, as a server sends that flushes after each.
    private static byte[] Chunk(string data)
    {
        var frame = $"data: {data}\n\n";
        return Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetByteCount(frame):x}\r\n{frame}\r\n");
    }

    private static byte[] LastChunks() =>
        [
            .. Chunk("""{"id":"load","model":"load","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"""),
            .. Chunk("[DONE]"),
            .. "0\r\n\r\n"u8,
        ];

    public void Dispose() => socket.Dispose();
}
