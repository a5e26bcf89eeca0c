namespace Reliability.Abuse;

/// <summary>An abuse of the system by one user, or by several of them.</summary>
/// <param name="Name">The name in the table.</param>
/// <param name="Do">Abuses the target until cancelled, or until an end of its own. Returns a remark for the
/// table.</param>
/// <param name="Prepare">Prepares the abuse before anything is measured.</param>
internal sealed record AbuseCase(
    string Name,
    Func<AbuseTarget, CancellationToken, Task<string>> Do,
    Func<AbuseTarget, Task>? Prepare = null
)
{
    /// <summary>True: the abuse also runs for some seconds before anything is measured, so that the servers have
    /// compiled what it uses.</summary>
    public bool IsRehearsed { get; init; }

    /// <summary>True: the system runs in Development, as the README starts it. It has no limits per client, so the
    /// regular users' latency is not compared, but each of their events must come within a second.</summary>
    public bool InDevelopment { get; init; }
}

/// <summary>The system, as the load process sees it.</summary>
internal sealed class AbuseTarget(IReadOnlyList<Uri> replicas)
{
    public const string User = "load";

    private int _next;

    public IReadOnlyList<Uri> Replicas => replicas;

    /// <summary>Returns a token that may read and publish topics below <c>flood</c>, which only the load
    /// uses.</summary>
    public static string Token(string user = User) => SystemSettings.User(user, ["flood.>"], ["flood.>"]);

    /// <summary>Runs the work on threads, each with a connection.</summary>
    public Task OnConnections(int threads, Action<RawConnection, int> work) =>
        Attack.OnThreads(
            threads,
            number =>
            {
                using var connection = new RawConnection(Next());
                work(connection, number);
            }
        );

    /// <summary>Returns the replicas in turn.</summary>
    public Uri Next() => Replicas[(int)((uint)Interlocked.Increment(ref _next) % (uint)Replicas.Count)];
}
