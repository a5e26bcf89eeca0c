using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using AspireSse.Client;

namespace LoadTests.Targets;

/// <summary>A StreamApi replica as <c>GET /v1/replicas</c> lists it.</summary>
internal sealed record Replica(string Name, string Url, int Connections, string Head, long Lag, string Mode)
{
    public Uri Address => new(Url);
}

/// <summary>
/// The replicas of the system under load, at their own addresses, because the orchestrator's proxy would cost more than
/// the measured work. Connections go round-robin and skip a replica that does not answer, as with a load balancer.
/// </summary>
internal sealed class ReplicaSet : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private readonly Uri _target;

    // A new connection for each request: a kept one might lead to a process that has ended. Without the environment's
    // proxy, which .NET uses for loopback too.
    private readonly HttpClient _asking = new(
        new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false }
    )
    {
        Timeout = TimeSpan.FromSeconds(10),
    };
    private volatile IReadOnlyList<Replica> _replicas = [];
    private uint _next;

    private ReplicaSet(Uri target) => _target = target;

    public IReadOnlyList<Replica> Replicas => _replicas;

    public static async Task<ReplicaSet> DiscoverAsync(Uri target, CancellationToken cancellationToken)
    {
        RequireLoopback(target);
        var set = new ReplicaSet(target);
        try
        {
            set._replicas = await set.AskAsync(target, cancellationToken);
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            throw new LoadTestException(
                $"{target} does not answer GET /v1/replicas as a StreamApi does ({e.Message}). "
                    + "Start the system (dotnet run --project AppHost), or correct --target.",
                e
            );
        }

        if (set.Replicas.Count == 0)
            throw new LoadTestException($"{target} lists no replica, not even itself. Check its store and log.");

        await set.RefreshAsync(cancellationToken);
        return set;
    }

    /// <summary>Asks for the current replicas; a restarted one has another address.</summary>
    /// <returns>The number of replicas that answer. When none does, the set stays as it was.</returns>
    public async Task<int> RefreshAsync(CancellationToken cancellationToken)
    {
        foreach (var address in Replicas.Select(r => r.Address).Prepend(_target).Distinct())
        {
            try
            {
                var there = new List<Replica>();
                foreach (var replica in await AskAsync(address, cancellationToken))
                    if (await AnswersAsync(replica.Address, cancellationToken))
                        there.Add(replica);

                if (there.Count == 0)
                    continue;

                _replicas = there;
                return there.Count;
            }
            catch (Exception e) when (IsNoAnswer(e, cancellationToken)) { }
        }
        return 0;
    }

    /// <summary>Returns whether the --target address itself answers, not only the replicas behind it.</summary>
    public Task<bool> TargetAnswersAsync(CancellationToken cancellationToken) =>
        AnswersAsync(_target, cancellationToken);

    private async Task<bool> AnswersAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            return await AskAsync(address, cancellationToken) is not null;
        }
        catch (Exception e) when (IsNoAnswer(e, cancellationToken))
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<Replica>> AskAsync(Uri address, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        var replicas = await _asking.GetFromJsonAsync<Replica[]>(new Uri(address, "/v1/replicas"), limit.Token) ?? [];
        foreach (var replica in replicas)
            RequireLoopback(replica.Address);
        return replicas;
    }

    private static bool IsNoAnswer(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or IOException or System.Text.Json.JsonException
        || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    public void Dispose() => _asking.Dispose();

    public HttpClient CreateClient()
    {
        var handler = SseClient.CreateHandler();
        handler.ConnectCallback = ConnectAsync;
        handler.UseProxy = false;
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5);
        return new HttpClient(handler) { BaseAddress = Replicas[0].Address, Timeout = Timeout.InfiniteTimeSpan };
    }

    private async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        CancellationToken cancellationToken
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            var replicas = Replicas;
            var address = replicas[(int)(Interlocked.Increment(ref _next) % (uint)replicas.Count)].Address;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(ConnectTimeout);

            try
            {
                await socket.ConnectAsync(address.IdnHost, address.Port, limit.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e)
                when (e is SocketException or OperationCanceledException
                    && !cancellationToken.IsCancellationRequested
                    && attempt < replicas.Count
                )
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }

    private static void RequireLoopback(Uri address)
    {
        if (address.IsLoopback || (IPAddress.TryParse(address.IdnHost, out var ip) && IPAddress.IsLoopback(ip)))
            return;
        throw new LoadTestException(
            $"{address} is not on this machine. The load generator only loads its own machine; run it there."
        );
    }
}
