using System.Data.Common;
using System.Net.Http.Json;
using System.Text.Json;
using LoadTests.Targets;

namespace LoadTests.Chaos;

/// <summary>
/// The processes of the targeted system, and of no other: StreamApi by the replicas' own ports; Redis and Postgres by the addresses that the
/// replica itself was given; the Broadcasters as the programs that were given the same.
/// </summary>
internal sealed class StackProcesses(ReplicaSet replicas, IReadOnlyDictionary<string, int> given)
{
    private const string StoreVariable = "ConnectionStrings__eventstore", RedisVariable = "ConnectionStrings__redis";
    private IReadOnlyDictionary<string, string>? _variables;
    private int _turn;

    /// <summary>Once, while all is well: a dead replica can no longer be asked for its addresses.</summary>
    public void Prepare(IEnumerable<ChaosTarget> targets)
    {
        if (!OperatingSystem.IsLinux()) throw new LoadTestException("--chaos finds and breaks processes by /proc: it needs Linux.");
        var replica = ProcessTable.ListenerOf(replicas.Replicas[0].Address.Port) ?? throw NotFound(ChaosTarget.StreamApi, $"nobody here listens at {replicas.Replicas[0].Url}");
        _variables = ProcessTable.Variables(replica);
        foreach (var target in targets) _ = Find(target);
    }

    public int Find(ChaosTarget target)
    {
        if (given.TryGetValue(target.ToString(), out var pid)) return pid;
        return target switch
        {
            ChaosTarget.StreamApi => At(target, replicas.Replicas[_turn++ % replicas.Replicas.Count].Address.Port, "StreamApi"),
            ChaosTarget.Redis => At(target, RedisPort(), "redis", "valkey"),
            ChaosTarget.Postgres => At(target, PostgresPort(), "postgres"),
            _ => Broadcaster(),
        };
    }

    /// <summary>Redis writes a title over its command line; it is asked for its configuration instead. Null for the others.</summary>
    public async Task<IReadOnlyList<string>?> CommandOfAsync(ChaosTarget target, int pid)
    {
        if (target != ChaosTarget.Redis || given.ContainsKey(target.ToString())) return null;
        var password = Variable(RedisVariable).Split(',').FirstOrDefault(o => o.StartsWith("password=", StringComparison.OrdinalIgnoreCase))?["password=".Length..];
        return await RedisCommand.AskAsync(pid, RedisPort(), password);
    }

    private static int At(ChaosTarget target, int port, params string[] programs)
    {
        var pid = ProcessTable.ListenerOf(port) ?? throw NotFound(target, $"nobody whom this user may see listens at port {port}");
        // A container's port is held by the container runtime, which must not be hit for it.
        if (programs.Any(p => ProcessTable.Name(pid).Contains(p, StringComparison.OrdinalIgnoreCase) || ProcessTable.Arguments(pid).Any(a => Path.GetFileName(a).StartsWith(p, StringComparison.OrdinalIgnoreCase)))) return pid;
        throw NotFound(target, $"port {port} belongs to {ProcessTable.Name(pid)} ({pid})");
    }

    private int RedisPort() => int.TryParse(Variable(RedisVariable).Split(',')[0].Split(':')[^1], out var port) ? port : 6379;

    private int PostgresPort()
    {
        var connection = new DbConnectionStringBuilder { ConnectionString = Variable(StoreVariable) };
        return connection.TryGetValue("Port", out var port) && int.TryParse(port.ToString(), out var number) ? number : 5432;
    }

    /// <summary>The one that leads, where it can be asked; a spare's end would show nothing.</summary>
    private int Broadcaster()
    {
        var all = ProcessTable.Pids().Where(pid => ProcessTable.Arguments(pid).Any(a => Path.GetFileName(a) is "Broadcaster" or "Broadcaster.dll")
            && ProcessTable.Variables(pid).GetValueOrDefault(StoreVariable) == Variable(StoreVariable) && ProcessTable.PortsOf(pid).Any()).ToList();
        if (all.Count == 0) throw NotFound(ChaosTarget.Broadcaster, "no Broadcaster here has this system's store");
        return all.FirstOrDefault(pid => ProcessTable.PortsOf(pid).Any(Leads), all[0]);
    }

    private static bool Leads(int port)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        try { return Task.Run(() => http.GetFromJsonAsync<JsonElement>($"http://localhost:{port}/status")).GetAwaiter().GetResult().GetProperty("leader").GetBoolean(); }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException or KeyNotFoundException) { return false; }
    }

    private string Variable(string name) => _variables!.GetValueOrDefault(name) ?? throw new LoadTestException($"The replica's environment has no {name} by which to find the process. Name it with --pids.");

    private static LoadTestException NotFound(ChaosTarget target, string why) => new($"--chaos {target.ToString().ToLowerInvariant()}: {why}. Name the process with --pids {target.ToString().ToLowerInvariant()}=PID.");
}
