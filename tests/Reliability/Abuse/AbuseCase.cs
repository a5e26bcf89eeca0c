namespace Reliability.Abuse;

/// <summary>Something that one user does to all others.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Do">Goes on until it is cancelled; where it has an end of its own, at least until then.</param>
/// <param name="IsControl">Done to a <see cref="PlainListener"/> beside the system, which is held to no bound.</param>
/// <param name="HasControl">Compared with what the control before it cost (<see cref="MachineRatio"/>).</param>
/// <param name="Prepare">Done before anything is measured.</param>
internal sealed record AbuseCase(
    string Name,
    Func<AbuseTarget, CancellationToken, Task<string>> Do,
    bool IsControl = false,
    bool HasControl = false,
    Func<AbuseTarget, Task>? Prepare = null
);

/// <summary>The system, as the abuser sees it.</summary>
internal sealed class AbuseTarget(IReadOnlyList<Uri> replicas)
{
    public const string Abuser = "abuser";

    private int _next;

    public IReadOnlyList<Uri> Replicas => replicas;

    /// <summary>May read and publish below <c>flood</c>; nobody else is there.</summary>
    public static string Token(string user = Abuser) => SystemSettings.User(user, ["flood.>"], ["flood.>"]);

    /// <summary>One replica after the other.</summary>
    public Uri Next() => Replicas[(int)((uint)Interlocked.Increment(ref _next) % (uint)Replicas.Count)];
}
