using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using AspireSse.Client;

namespace LoadTests.Targets;

/// <summary>One StreamApi replica, as <c>GET /v1/replicas</c> lists it.</summary>
internal sealed record Replica(string Name, string Url, int Connections, string Head, long Lag, string Mode)
{
    public Uri Address => new(Url);
}

/// <summary>
/// The replicas of the system under load, at their own addresses: the orchestrator's proxy would cost more than what is measured. Connections
/// go to them in turn, and past one that does not answer, as a balancer would have it.
/// </summary>
internal sealed class ReplicaSet
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(3);
    private uint _next;

    private ReplicaSet(IReadOnlyList<Replica> replicas) => Replicas = replicas;

    public IReadOnlyList<Replica> Replicas { get; }

    public static async Task<ReplicaSet> DiscoverAsync(Uri target, CancellationToken cancellationToken)
    {
        RequireLoopback(target);
        using var http = new HttpClient { BaseAddress = target, Timeout = TimeSpan.FromSeconds(10) };
        Replica[] replicas;
        try { replicas = await http.GetFromJsonAsync<Replica[]>("/v1/replicas", cancellationToken) ?? []; }
        catch (Exception e) when (e is HttpRequestException or System.Text.Json.JsonException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new LoadTestException($"{target} does not answer GET /v1/replicas as a StreamApi does ({e.Message}). Is the system up (dotnet run --project AppHost), and is --target its address?", e);
        }
        if (replicas.Length == 0) throw new LoadTestException($"{target} knows of no replica, not even itself.");
        foreach (var replica in replicas) RequireLoopback(replica.Address);
        return new ReplicaSet(replicas);
    }

    public HttpClient CreateClient()
    {
        var handler = SseClient.CreateHandler();
        handler.ConnectCallback = ConnectAsync;
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5);
        return new HttpClient(handler) { BaseAddress = Replicas[0].Address, Timeout = Timeout.InfiniteTimeSpan };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var address = Replicas[(int)(Interlocked.Increment(ref _next) % (uint)Replicas.Count)].Address;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(ConnectTimeout);
            try
            {
                await socket.ConnectAsync(address.IdnHost, address.Port, limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException && !cancellationToken.IsCancellationRequested && attempt < Replicas.Count) { socket.Dispose(); }
            catch { socket.Dispose(); throw; }
        }
    }

    private static void RequireLoopback(Uri address)
    {
        if (address.IsLoopback || (IPAddress.TryParse(address.IdnHost, out var ip) && IPAddress.IsLoopback(ip))) return;
        throw new LoadTestException($"{address} is not this machine. This generator loads only the machine that it runs on.");
    }
}
