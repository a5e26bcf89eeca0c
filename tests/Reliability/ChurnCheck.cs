using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reliability;

/// <summary>Clients that come and go, each with a topic of its own.</summary>
internal sealed class ChurnCheck : ICheck
{
    private const int Clients = 200,
        MaxMoreMegabytes = 150,
        MaxMoreDescriptors = 20;
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(90);

    public string Name => "connections come and go";
    public SystemKind Needs => SystemKind.Plain;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        // What the first streams make for good is no leak.
        await ChurnAsync(system, TimeSpan.FromSeconds(5), cancellationToken);
        var before = await SettledAsync(system, null, cancellationToken);
        var opened = await ChurnAsync(system, options.Churn, cancellationToken);
        var most = ServerFigures.Megabytes(system);
        var after = await SettledAsync(system, before, cancellationToken);
        var ok = after.IsLike(before) && opened > 0;
        return new Outcome(
            ok,
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name} | {opened} | {before.Connections} → {after.Connections} | {before.Descriptors} → {after.Descriptors} | {ReliabilityReport.Bold(after.Subscribers)} | {before.Megabytes:F0} → {most:F0} → {after.Megabytes:F0} | for {options.Churn.TotalSeconds:F0} s, {Clients} at a time{(ok ? "" : "; **not as before**")} |"
            )
        );
    }

    private static async Task<long> ChurnAsync(
        ReliabilitySystem system,
        TimeSpan during,
        CancellationToken cancellationToken
    )
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(during);
        long opened = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, Clients)
                .Select(async client =>
                {
                    var buffer = new byte[2_048];
                    for (var visit = 0; !over.IsCancellationRequested; visit++)
                    {
                        var url = system.Replicas[visit % system.Replicas.Count].Url;
                        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                        try
                        {
                            await socket.ConnectAsync(IPAddress.Loopback, url.Port, over.Token);
                            await socket.SendAsync(
                                Encoding.ASCII.GetBytes(
                                    $"GET /v1/events/stream?topic=churn.c{client}.v{visit} HTTP/1.1\r\nHost: {url.Authority}\r\n\r\n"
                                ),
                                over.Token
                            );
                            // Until the greeting is there: before, it has no subscription.
                            for (var text = ""; !text.Contains("event: connected", StringComparison.Ordinal); )
                            {
                                var read = await socket.ReceiveAsync(buffer, over.Token);
                                if (read == 0)
                                    break;
                                text += Encoding.ASCII.GetString(buffer, 0, read);
                            }
                            Interlocked.Increment(ref opened);
                            await Task.Delay(Random.Shared.Next(1_000), over.Token);
                        }
                        catch (Exception e) when (e is OperationCanceledException or SocketException) { }
                        // A reset, or a proper end.
                        if (visit % 2 == 0)
                            socket.LingerState = new LingerOption(true, 0);
                    }
                })
        );
        cancellationToken.ThrowIfCancellationRequested();
        return opened;
    }

    private sealed record State(int Connections, int Descriptors, int Subscribers, double Megabytes)
    {
        public bool IsLike(State other) =>
            Connections <= other.Connections
            && Descriptors <= other.Descriptors + MaxMoreDescriptors
            && Subscribers == 0
            && Megabytes <= other.Megabytes + MaxMoreMegabytes;
    }

    private static async Task<State> SettledAsync(
        ReliabilitySystem system,
        State? wanted,
        CancellationToken cancellationToken
    )
    {
        for (
            var until = DateTime.UtcNow + (wanted is null ? TimeSpan.FromSeconds(10) : SettleLimit);
            ;
            await Task.Delay(1_000, cancellationToken)
        )
        {
            var connections = await ServerFigures.AskAsync(
                system,
                "/v1/connections?filter=churn.&limit=1000",
                cancellationToken
            );
            var state = new State(
                await ServerFigures.ConnectionsAsync(system, cancellationToken),
                ServerFigures.Descriptors(system),
                connections.GetProperty("connections").GetArrayLength(),
                ServerFigures.Megabytes(system)
            );
            if ((wanted is not null && state.IsLike(wanted)) || DateTime.UtcNow > until)
                return state;
        }
    }
}
