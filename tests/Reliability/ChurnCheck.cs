using System.Net.Sockets;
using Reliability.Abuse;

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
            $"| {Name} | {opened} | {before.Connections} → {after.Connections} "
                + $"| {before.Descriptors} → {after.Descriptors} | {ReliabilityReport.Bold(after.Subscribers)} "
                + $"| {before.Megabytes:F0} → {most:F0} → {after.Megabytes:F0} "
                + $"| for {options.Churn.TotalSeconds:F0} s, {Clients} at a time"
                + $"{(opened < least ? $"; **at least {least} streams were expected**" : "")}"
                + $"{(after.IsAtMost(before) ? "" : "; **not as before**")} |"
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

        await Attack.OnThreads(
            Clients,
            client =>
            {
                for (var visit = 0; !over.IsCancellationRequested; visit++)
                {
                    using var connection = new RawConnection(system.Replicas[visit % system.Replicas.Count].Url);
                    var path = $"/v1/events/stream?topic=churn.c{client}.v{visit}";
                    try
                    {
                        connection.SendHead("GET", path, SystemSettings.Operator);
                        // Before this event there is no subscription.
                        connection.ReadUntil("event: connected");
                        Interlocked.Increment(ref opened);
                        over.Token.WaitHandle.WaitOne(Random.Shared.Next(1_000));
                    }
                    catch (SocketException) { }

                    // Alternates between a reset and an orderly close.
                    if (visit % 2 == 1)
                        connection.End();
                }
            }
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
