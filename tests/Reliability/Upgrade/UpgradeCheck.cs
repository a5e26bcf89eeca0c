using Harness;
using Harness.Builds;
using Harness.Worlds;
using Reliability.Load;

namespace Reliability.Upgrade;

/// <summary>
/// A system of an earlier version is upgraded to this one as docs/deployment.md says, and the upgrade is undone, both
/// under the load of both versions' clients.
/// </summary>
internal sealed class UpgradeCheck : ICheck
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(90);

    public string Name => "from the previous release, and back";
    public SystemKind Needs => SystemKind.OwnSystem;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var from =
            options.From
            ?? await BaseCommit.PreviousReleaseAsync(cancellationToken)
            ?? throw new NotDoneException("no tag v* before this commit; --from names another one");

        await using var earlier = await BaseCommit.CheckOutAsync(from, cancellationToken);
        var build = await earlier.BuildAsync(cancellationToken);
        var clients = await earlier.BuildAsync("LoadTests", cancellationToken);

        await using var stores = new StorePair();
        await stores.StartAsync(cancellationToken);
        await using var world = await ServiceWorld.StartAsync(
            stores.Postgres.ConnectionString,
            stores.Redis.ConnectionString,
            SystemKind.OwnSystem,
            clock: null,
            cancellationToken,
            build
        );

        await using var load = await SteadyLoad.StartAsync(
            world.Replicas[0].Url,
            stores.Postgres.ConnectionString,
            options.Clients,
            options.Rate,
            cancellationToken
        );
        var earlierClients = new EarlierClients(clients, world.Replicas[0].Url);
        var interrupted = 0;
        var faults = new List<string>();

        foreach (var next in (ServiceBuild[])[ServiceBuild.Current, build])
        {
            var leg = await ReplaceAllAsync(world, load, earlierClients, next, cancellationToken);
            interrupted += leg.Interrupted;
            faults.AddRange(leg.Faults.Select(fault => $"**to {next.Name}: {fault}**"));
        }

        await load.PauseAsync(Arrival, cancellationToken);
        await RowDetails.WriteAsync("upgrade", load.History.Windows, [load.Errors, .. world.Logs], cancellationToken);

        return Row(from, load, interrupted, faults);
    }

    private static async Task<(int Interrupted, List<string> Faults)> ReplaceAllAsync(
        World world,
        SteadyLoad load,
        EarlierClients clients,
        ServiceBuild next,
        CancellationToken cancellationToken
    )
    {
        List<string> faults = [];
        using var generations = new SteadyGenerations(load.Replicas);
        await generations.StartAsync(cancellationToken);
        var other = clients.RunAsync(cancellationToken);
        await Task.Delay(Quiet, cancellationToken);

        await ServiceProcess.RunToEndAsync(next.StreamApi, ["migrate"], world.DirectSettings, cancellationToken);

        foreach (var service in world.Broadcasters.Concat(world.Replicas).Cast<ServiceProcess>())
        {
            service.Terminate();
            await service.WaitForExitAsync(cancellationToken);
            if (service.ExitCode != 0)
                faults.Add($"{service.Program} ended with {service.ExitCode}");

            service.Program = next.Of(world.Broadcasters.Contains(service) ? "Broadcaster" : "StreamApi");
            await service.StartAsync(cancellationToken);
            await world.WaitUntilHealthyAsync(service);
        }

        await world.RestoreAsync();
        if (other.IsCompleted)
            faults.Add("the earlier clients ended before the last service was replaced");
        if (await other is { Length: > 0 } wrong)
            faults.Add($"earlier clients: {wrong.ReplaceLineEndings(" ").Replace('|', '/')}");

        var (interrupted, wrongText) = await generations.EndAsync(cancellationToken);
        if (wrongText > 0)
            faults.Add($"{wrongText} generations with other text");

        return (interrupted, faults);
    }

    private Outcome Row(string from, SteadyLoad load, int interrupted, IReadOnlyList<string> faults)
    {
        var sums = load.Sums;
        List<string> remarks = [$"from {from}", .. load.Faults(sums), .. faults];

        return new Outcome(
            sums.WentUnnoticed && interrupted == 0 && remarks.Count == 1,
            $"| {Name} {sums.Cells} | {ReliabilityReport.Bold(sums.Resyncs)} | {ReliabilityReport.Bold(interrupted)} "
                + $"| {string.Join("; ", remarks)} |"
        );
    }
}
