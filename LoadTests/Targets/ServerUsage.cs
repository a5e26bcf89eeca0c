using Measuring;

namespace LoadTests.Targets;

/// <summary>Measures the CPU seconds of the system's processes,
/// by name, as far as they are visible to this user.</summary>
internal sealed class ServerUsage
{
    private readonly IReadOnlyList<(string Name, int Pid)> _processes;

    private ServerUsage(IReadOnlyList<(string Name, int Pid)> processes) => _processes = processes;

    /// <summary>Finds the processes. The result is empty for containers,
    /// another user's processes and systems other than Linux.</summary>
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
            { /* not visible from here */
            }
        }

        return new(found);
    }

    /// <summary>Returns the CPU seconds by name, children and ended processes included.
    /// Null when a process of that name is gone, because its usage is unknown.</summary>
    public IReadOnlyDictionary<string, double?> CpuSeconds() =>
        _processes
            .GroupBy(p => p.Name)
            .ToDictionary(
                g => g.Key,
                g =>
                    g.All(p => ProcessTable.Exists(p.Pid))
                        ? g.SelectMany(p => ProcessTable.WithDescendants(p.Pid)).Distinct().Sum(ProcessTable.CpuSeconds)
                        : (double?)null
            );
}
