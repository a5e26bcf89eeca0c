using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using LoadTests.Targets;

namespace LoadTests.Chaos;

/// <summary>
/// The processes of the targeted system, and of no other: StreamApi by the replicas' own ports; Redis and Postgres by
/// the addresses that the
/// replica itself was given; the Broadcasters as the programs that were given the same.
/// </summary>
internal sealed class StackProcesses(ReplicaSet replicas, IReadOnlyDictionary<string, int> given)
{
    private const string StoreVariable = "ConnectionStrings__eventstore",
        RedisVariable = "ConnectionStrings__redis",
        Orchestrator = "dcp";
    private IReadOnlyDictionary<string, string>? _variables;
    private readonly Dictionary<int, int> _brokenIn = [];
    private int _turn,
        _replicas,
        _broadcasters;

    /// <summary>While all is well: a dead replica can no longer be asked for its addresses.</summary>
    public void Prepare(IEnumerable<ChaosTarget> targets)
    {
        if (!OperatingSystem.IsLinux())
            throw new LoadTestException("--chaos finds and breaks processes by /proc: it needs Linux.");
        var replica =
            ProcessTable.ListenerOf(replicas.Replicas[0].Address.Port)
            ?? throw NotFound(ChaosTarget.StreamApi, $"nobody here listens at {replicas.Replicas[0].Url}");
        _variables = ProcessTable.Variables(replica);
        foreach (var target in targets)
            _ = Find(target);
        (_replicas, _broadcasters) = (
            replicas.Replicas.Count,
            targets.Contains(ChaosTarget.Broadcaster) ? Broadcasters().Count : 0
        );
    }

    public int Find(ChaosTarget target)
    {
        if (given.TryGetValue(target.ToString(), out var pid))
            return pid;
        return target switch
        {
            ChaosTarget.StreamApi => Replica(),
            ChaosTarget.Redis => At(target, RedisPort(), "redis", "valkey"),
            ChaosTarget.Postgres => At(target, PostgresPort(), "postgres"),
            _ => Broadcaster(),
        };
    }

    /// <summary>What nobody would start again is not killed, unless somebody has named it: then that is
    /// known.</summary>
    public void RequireRestart(ChaosTarget target)
    {
        if (given.ContainsKey(target.ToString()))
            return;
        var pid = Find(target);
        for (var above = ProcessTable.Parent(pid); above > 1; above = ProcessTable.Parent(above))
            if (ProcessTable.Name(above) == Orchestrator)
                return;
        throw new LoadTestException(
            $"--chaos {target.ToString().ToLowerInvariant()}: process {pid} was not started by the AppHost, so who would start it again? --fault stop freezes it instead; where something does restart it, name it with --pids {target.ToString().ToLowerInvariant()}={pid}."
        );
    }

    /// <summary>Its turn is over.</summary>
    public void Broke(int pid) => _brokenIn[pid] = ++_turn;

    /// <summary>Whether there is again what there was before the process was broken. A replica comes back at another
    /// address.</summary>
    public async Task<bool> IsWholeAsync(BrokenProcess broken, CancellationToken cancellationToken)
    {
        if (broken.Target == ChaosTarget.StreamApi && await replicas.RefreshAsync(cancellationToken) >= _replicas)
            return true;
        return broken.IsReplaced
            || (broken.Target == ChaosTarget.Broadcaster && _broadcasters > 0 && Broadcasters().Count >= _broadcasters);
    }

    private static int At(ChaosTarget target, int port, params string[] programs)
    {
        var pid =
            ProcessTable.ListenerOf(port)
            ?? throw NotFound(target, $"nobody whom this user may see listens at port {port}");
        // A container's port is held by the container runtime, which must not be hit for it.
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

    /// <summary>Each in its turn: the one that was broken longest ago; of those that never were, the oldest, since what
    /// was killed is young.</summary>
    private int Replica() =>
        replicas
            .Replicas.Select(r => At(ChaosTarget.StreamApi, r.Address.Port, "StreamApi"))
            .OrderBy(pid => _brokenIn.GetValueOrDefault(pid))
            .ThenBy(ProcessTable.StartTime)
            .First();

    /// <summary>The one that leads, where it can be asked; a spare's end would show nothing.</summary>
    private int Broadcaster()
    {
        var all = Broadcasters();
        if (all.Count == 0)
            throw NotFound(ChaosTarget.Broadcaster, "no Broadcaster here has this system's store");
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
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
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
            $"The replica's environment has no {name} by which to find the process. Name it with --pids."
        );

    private static LoadTestException NotFound(ChaosTarget target, string why) =>
        new(
            $"--chaos {target.ToString().ToLowerInvariant()}: {why}. Name the process with --pids {target.ToString().ToLowerInvariant()}=PID."
        );
}
