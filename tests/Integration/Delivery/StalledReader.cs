using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Integration.Delivery;

/// <summary>A client that opens a stream and does not read it until asked to.</summary>
internal sealed partial class StalledReader : IAsyncDisposable
{
    private readonly Socket _socket;

    private StalledReader(int receiveBuffer) =>
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = receiveBuffer };

    public static async Task<StalledReader> OpenAsync(
        Uri server,
        string pathAndQuery,
        string? token = null,
        int receiveBuffer = 64 * 1024
    )
    {
        var reader = new StalledReader(receiveBuffer);
        await reader._socket.ConnectAsync(server.Host, server.Port);
        await reader._socket.SendAsync(
            Encoding.ASCII.GetBytes(
                $"GET {pathAndQuery} HTTP/1.1\r\nHost: {server.Authority}\r\n"
                    + "Accept: text/event-stream\r\n"
                    + $"{(token is null ? "" : $"Authorization: Bearer {token}\r\n")}\r\n"
            )
        );
        // Reads the head only: without it, the server may not have the subscription yet.
        await reader._socket.ReceiveAsync(new byte[16], SocketFlags.None);

        return reader;
    }

    /// <summary>The id of the last complete frame.</summary>
    public string? LastId { get; private set; }

    /// <summary>Frames that told of skipped events.</summary>
    public int Notices { get; private set; }

    /// <summary>Reads on, through the chunk framing, to the event <c>"n":last</c> or the end; adds up what was
    /// skipped. A frame that is cut off does not count.</summary>
    public async Task<(List<int> Numbers, int Skipped)> ReadToAsync(int last)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var stream = new NetworkStream(_socket);
        using var lines = new StreamReader(stream);
        var numbers = new List<int>();
        var skipped = 0;

        string? id = null;
        var number = 0;
        var count = 0;
        try
        {
            while (numbers.LastOrDefault() != last && await lines.ReadLineAsync(limit.Token) is { } line)
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                    id = line[4..];
                else if (Number().Match(line) is { Success: true } sent)
                    number = int.Parse(sent.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
                else if (Count().Match(line) is { Success: true } total)
                    count = int.Parse(total.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
                else if (line.Length == 0 && (id is not null || count > 0))
                {
                    LastId = id ?? LastId;
                    skipped += count;
                    Notices += count > 0 ? 1 : 0;

                    if (number > 0)
                        numbers.Add(number);

                    id = null;
                    number = 0;
                    count = 0;
                }
        }
        catch (IOException) { } // cut off

        return (numbers, skipped);
    }

    public ValueTask DisposeAsync()
    {
        _socket.Close(0);
        return ValueTask.CompletedTask;
    }

    [GeneratedRegex("""^data: \{"n":(\d+)""")]
    private static partial Regex Number();

    [GeneratedRegex("""^data: \{"from":.*"count":(\d+)""")]
    private static partial Regex Count();
}
