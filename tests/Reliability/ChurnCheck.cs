using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Reliability;

/// <summary>Opens and closes many connections, each with its own topic, and checks that nothing is left.</summary>
internal sealed class ChurnCheck : ICheck
{
    private const int Clients = 200,
        MaxMoreMegabytes = 150,
        MaxMoreDescriptors = 20;
    private static readonly TimeSpan SettleLimit = TimeSpan.FromSeconds(90);

    public string Name => "connections open and close";
    public SystemKind Needs => SystemKind.Plain;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        // A first round, so that memory allocated once is not taken for a leak.
        await ChurnAsync(system, TimeSpan.FromSeconds(5), cancellationToken);
        var before = await SettledAsync(system, null, cancellationToken);
        var opened = await ChurnAsync(system, options.Churn, cancellationToken);
        var most = ServerStats.Megabytes(system);
        var after = await SettledAsync(system, before, cancellationToken);
        // Each client pauses half a second on average, and opens a stream in far less than another half.
        var least = (long)(Clients * options.Churn.TotalSeconds);
        var ok = after.IsAtMost(before) && opened >= least;
        return new Outcome(
            ok,
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Name} | {opened} | {before.Connections} → {after.Connections} "
                    + $"| {before.Descriptors} → {after.Descriptors} | {ReliabilityReport.Bold(after.Subscribers)} "
                    + $"| {before.Megabytes:F0} → {most:F0} → {after.Megabytes:F0} "
                    + $"| for {options.Churn.TotalSeconds:F0} s, {Clients} at a time"
                    + $"{(opened < least ? $"; **at least {least} streams were expected**" : "")}"
                    + $"{(after.IsAtMost(before) ? "" : "; **not as before**")} |"
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
                                    $"GET /v1/events/stream?topic=churn.c{client}.v{visit} HTTP/1.1\r\n"
                                        + $"Host: {url.Authority}\r\n\r\n"
                                ),
                                over.Token
                            );
                            // Waits for the `connected` event: before it, there is no subscription.
                            var text = "";
                            while (!text.Contains("event: connected", StringComparison.Ordinal))
                            {
                                var read = await socket.ReceiveAsync(buffer, over.Token);
                                if (read == 0)
                                    throw new SocketException((int)SocketError.ConnectionReset);
                                text += Encoding.ASCII.GetString(buffer, 0, read);
                            }
                            Interlocked.Increment(ref opened);
                            await Task.Delay(Random.Shared.Next(1_000), over.Token);
                        }
                        catch (Exception e) when (e is OperationCanceledException or SocketException) { }
                        // Alternates between a reset and an orderly close.
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
        public bool IsAtMost(State other) =>
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
            var connections = await ServerStats.AskAsync(
                system,
                "/v1/connections?filter=churn.&limit=1000",
                cancellationToken
            );
            var state = new State(
                await ServerStats.ConnectionsAsync(system, cancellationToken),
                ServerStats.Descriptors(system),
                connections.GetProperty("connections").GetArrayLength(),
                ServerStats.Megabytes(system)
            );
            if ((wanted is not null && state.IsAtMost(wanted)) || DateTime.UtcNow > until)
                return state;
        }
    }
}
