using LoadTests.Chaos;
using LoadTests.Targets;

namespace LoadTests.Running;

/// <summary>What the system's processes used, where this user may see them; by their names, in seconds of
/// CPU.</summary>
internal sealed class ServerUsage
{
    private readonly IReadOnlyList<(string Name, int Pid)> _processes;

    private ServerUsage(IReadOnlyList<(string Name, int Pid)> processes) => _processes = processes;

    /// <summary>Nothing where they cannot be found: a container's, another user's, another system than Linux.</summary>
    public static ServerUsage Of(ReplicaSet replicas, IReadOnlyDictionary<string, int> given)
    {
        if (!OperatingSystem.IsLinux())
            return new([]);
        var found = replicas
            .Replicas.Select(r => ProcessTable.ListenerOf(r.Address.Port))
            .OfType<int>()
            .Select(pid => ("streamapi", pid))
            .ToList();
        var others = new StackProcesses(replicas, given);
        foreach (var target in (ChaosTarget[])[ChaosTarget.Postgres, ChaosTarget.Redis, ChaosTarget.Broadcaster])
        {
            try
            {
                others.Prepare([]);
                found.Add((target.ToString().ToLowerInvariant(), others.Find(target)));
            }
            catch (LoadTestException)
            { /* not to be seen from here */
            }
        }
        return new(found);
    }

    /// <summary>A process and its children count as one, those that have ended too. Null where one of that name is
    /// gone: nobody can tell what it used.</summary>
    public IReadOnlyDictionary<string, double?> CpuSeconds() =>
        _processes
            .GroupBy(p => p.Name)
            .ToDictionary(
                g => g.Key,
                g =>
                    g.All(p => ProcessTable.Exists(p.Pid))
                        ? g.SelectMany(p => ProcessTable.Family(p.Pid)).Distinct().Sum(ProcessTable.CpuSeconds)
                        : (double?)null
            );
}
