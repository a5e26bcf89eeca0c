namespace Reliability.Failover;

/// <summary>A way to make the cluster change its primary.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Break">Takes the primary away.</param>
/// <param name="Undo">Gives the former primary back to the cluster.</param>
internal sealed record FailoverKind(
    string Name,
    Func<PatroniMember, CancellationToken, Task> Break,
    Func<PatroniMember, Task> Undo
)
{
    public static IReadOnlyList<FailoverKind> All { get; } =
    [
        new("kill -9 of Postgres and Patroni", (primary, _) => Do(primary.Kill), primary => primary.StartAsync()),
        new("SIGSTOP of Postgres and Patroni", (primary, _) => Do(primary.Freeze), primary => primary.ThawAsync()),
        new(
            "network cut, closed and refused",
            (primary, _) => Do(() => primary.CutOff(silent: false)),
            primary => Do(primary.Heal)
        ),
        new("network cut, silent", (primary, _) => Do(() => primary.CutOff(silent: true)), primary => Do(primary.Heal)),
        new("switchover", (primary, token) => PatroniCluster.SwitchOverAsync(primary, token), _ => Task.CompletedTask),
    ];

    private static Task Do(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
