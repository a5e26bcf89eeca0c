using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Integration.Delivery;

/// <summary>A fake node that claims to be a whole Redis Cluster and sends every key to its own address, or to
/// another one.</summary>
internal sealed class MovingRedis : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public MovingRedis()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Target = Address;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The address to which it sends keys.</summary>
    public string Target { get; set; }

    /// <summary>Number of keys that it has sent elsewhere.</summary>
    public int Moved { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
                open.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException) { }
        await Task.WhenAll(open);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        try
        {
            // *2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n
            while (await reader.ReadLineAsync(_stop.Token) is { } head)
            {
                var words = new string[Number(head)];
                for (var i = 0; i < words.Length; i++)
                {
                    var word = new char[Number((await reader.ReadLineAsync(_stop.Token))!)];
                    await reader.ReadBlockAsync(word, _stop.Token);
                    await reader.ReadLineAsync(_stop.Token);
                    words[i] = new string(word);
                }
                await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(AnswerTo(words)), _stop.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException) { }
    }

    private string AnswerTo(string[] words)
    {
        switch (words[0].ToUpperInvariant())
        {
            case "PING":
                return "+PONG\r\n";
            case "ECHO":
                return Bulk(words[1]);
            case "INFO":
                return Bulk("redis_version:7.0.15\r\nredis_mode:cluster\r\nrole:master\r\nrun_id:" + Port + "\r\n");
            case "CONFIG":
                return "*0\r\n";
            case "CLUSTER" when words[1].Equals("nodes", StringComparison.OrdinalIgnoreCase):
                return Bulk($"{Port:x40} {Address}@1{Port} myself,master - 0 0 1 connected 0-16383\n");
            case "CLUSTER":
                return Bulk("cluster_state:ok\r\ncluster_slots_assigned:16384\r\n");
            case "SUBSCRIBE" or "UNSUBSCRIBE":
                return $"*3\r\n{Bulk(words[0].ToLowerInvariant())}{Bulk(words.ElementAtOrDefault(1) ?? "")}:0\r\n";
            case "EXISTS" or "GET":
                Moved++;
                return $"-MOVED 7 {Target}\r\n";
            default:
                return "+OK\r\n";
        }
    }

    private static int Number(string line) => int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);

    private static string Bulk(string text) => $"${text.Length}\r\n{text}\r\n";
}
