using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using Measuring;

namespace LoadTests.Targets;

/// <summary>
/// Finds the processes of the targeted system only: StreamApi by the replicas' ports, Redis and Postgres by the
/// addresses in a replica's environment, the Broadcasters by the same environment.
/// </summary>
internal sealed class StackProcesses(ReplicaSet replicas, IReadOnlyDictionary<string, int> knownPids)
{
    private const string StoreVariable = "ConnectionStrings__eventstore",
        RedisVariable = "ConnectionStrings__redis",
        Orchestrator = "dcp";
    private IReadOnlyDictionary<string, string>? _variables;
    private readonly Dictionary<int, int> _brokenIn = [];
    private int _turn;
    private int _replicas;
    private int _broadcasters;

    /// <summary>Reads the environment of a replica while the system is healthy; a dead replica has none.</summary>
    public void Prepare(IEnumerable<ChaosTarget> targets)
    {
        if (!OperatingSystem.IsLinux())
            throw new LoadTestException("--chaos needs Linux: it finds processes in /proc.");

        var replica =
            ProcessTable.ListenerOf(replicas.Replicas[0].Address.Port)
            ?? throw NotFound(
                ChaosTarget.StreamApi,
                $"no process on this machine listens at {replicas.Replicas[0].Url}"
            );
        _variables = ProcessTable.Variables(replica);

        foreach (var target in targets)
            _ = Find(target);

        _replicas = replicas.Replicas.Count;
        _broadcasters = targets.Contains(ChaosTarget.Broadcaster) ? Broadcasters().Count : 0;
    }

    public int Find(ChaosTarget target)
    {
        if (knownPids.TryGetValue(target.ToString(), out var pid))
            return pid;
        return target switch
        {
            ChaosTarget.StreamApi => Replica(),
            ChaosTarget.Redis => At(target, RedisPort(), "redis", "valkey"),
            ChaosTarget.Postgres => At(target, PostgresPort(), "postgres"),
            _ => Broadcaster(),
        };
    }

    /// <summary>Refuses to kill a process that nothing would restart.
    /// A process named in --pids is always allowed.</summary>
    public void RequireRestart(ChaosTarget target)
    {
        if (knownPids.ContainsKey(target.ToString()))
            return;

        var pid = Find(target);

        for (var above = ProcessTable.Parent(pid); above > 1; above = ProcessTable.Parent(above))
            if (ProcessTable.Name(above) == Orchestrator)
                return;

        var name = target.ToString().ToLowerInvariant();
        throw new LoadTestException(
            $"--chaos {name} would kill process {pid}, which the AppHost did not start and so would not restart. "
                + $"Freeze it instead (--fault stop), or name it if something else restarts it (--pids {name}={pid})."
        );
    }

    /// <summary>Records that the process had its turn.</summary>
    public void MarkBroken(int pid) => _brokenIn[pid] = ++_turn;

    /// <summary>Returns whether the system has as many processes of the target as before the fault, also at other
    /// addresses. False for a target with one process, whose address does not change.</summary>
    public async Task<bool> IsCompleteAsync(ChaosTarget target, CancellationToken cancellationToken) =>
        target switch
        {
            ChaosTarget.StreamApi => await replicas.RefreshAsync(cancellationToken) >= _replicas,
            ChaosTarget.Broadcaster => _broadcasters > 0 && Broadcasters().Count >= _broadcasters,
            _ => false,
        };

    private static int At(ChaosTarget target, int port, params string[] programs)
    {
        var pid =
            ProcessTable.ListenerOf(port)
            ?? throw NotFound(target, $"no process visible to this user listens on port {port}");
        // A container's port is held by the container runtime, which must not be killed.
        if (
            programs.Any(p =>
                ProcessTable.Name(pid).Contains(p, StringComparison.OrdinalIgnoreCase)
                || ProcessTable
                    .Arguments(pid)
                    .Any(a => Path.GetFileName(a).StartsWith(p, StringComparison.OrdinalIgnoreCase))
            )
        )
            return pid;

        throw NotFound(target, $"port {port} belongs to {ProcessTable.Name(pid)} ({pid})");
    }

    private int RedisPort() =>
        int.TryParse(Variable(RedisVariable).Split(',')[0].Split(':')[^1], out var port) ? port : 6379;

    private int PostgresPort()
    {
        var connection = new DbConnectionStringBuilder { ConnectionString = Variable(StoreVariable) };
        return connection.TryGetValue("Port", out var port) && int.TryParse(port.ToString(), out var number)
            ? number
            : 5432;
    }

    /// <summary>Returns the replica whose last fault is longest ago;
    /// among replicas without a fault, the oldest process.</summary>
    private int Replica() =>
        replicas
            .Replicas.Select(r => At(ChaosTarget.StreamApi, r.Address.Port, "StreamApi"))
            .OrderBy(pid => _brokenIn.GetValueOrDefault(pid))
            .ThenBy(ProcessTable.StartTime)
            .First();

    /// <summary>Returns the leading Broadcaster when one answers; ending the standby would have no effect.</summary>
    private int Broadcaster()
    {
        var all = Broadcasters();
        if (all.Count == 0)
            throw NotFound(ChaosTarget.Broadcaster, "no Broadcaster on this machine uses this system's store");
        return all.FirstOrDefault(pid => ProcessTable.PortsOf(pid).Any(Leads), all[0]);
    }

    private List<int> Broadcasters() =>
        [
            .. ProcessTable
                .Pids()
                .Where(pid =>
                    ProcessTable.Arguments(pid).Any(a => Path.GetFileName(a) is "Broadcaster" or "Broadcaster.dll")
                    && ProcessTable.Variables(pid).GetValueOrDefault(StoreVariable) == Variable(StoreVariable)
                    && ProcessTable.PortsOf(pid).Any()
                ),
        ];

    private static bool Leads(int port)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(2) };
        try
        {
            return Task.Run(() => http.GetFromJsonAsync<JsonElement>($"http://localhost:{port}/status"))
                .GetAwaiter()
                .GetResult()
                .GetProperty("leader")
                .GetBoolean();
        }
        catch (Exception e)
            when (e is HttpRequestException or TaskCanceledException or JsonException or KeyNotFoundException)
        {
            return false;
        }
    }

    private string Variable(string name) =>
        _variables!.GetValueOrDefault(name)
        ?? throw new LoadTestException(
            $"The replica's environment has no {name}, so the process cannot be found. Name it with --pids."
        );

    private static LoadTestException NotFound(ChaosTarget target, string why) =>
        new(
            $"--chaos {target.ToString().ToLowerInvariant()}: {why}. "
                + $"Name the process with --pids {target.ToString().ToLowerInvariant()}=PID."
        );
}
