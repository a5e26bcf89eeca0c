using System.Diagnostics;
using Measuring;

namespace Reliability.Abuse;

/// <summary>CPU time of Postgres's sessions for its clients, without its own work (vacuum, checkpoints).</summary>
internal sealed class StoreLoad
{
    // A session's title has its client: "postgres: postgres eventstore 127.0.0.1(51234) idle".
    private const string Client = "127.0.0.1(";

    private readonly ReliabilitySystem _system;
    private readonly Dictionary<int, double> _begun;
    private readonly long _at = Stopwatch.GetTimestamp();

    private StoreLoad(ReliabilitySystem system) => (_system, _begun) = (system, Sessions(system));

    public static StoreLoad Begin(ReliabilitySystem system) => new(system);

    /// <summary>The CPU time since the start, in percent of a processor. Sessions that have ended do not
    /// count.</summary>
    public double Percent()
    {
        var seconds = Sessions(_system).Sum(session => session.Value - _begun.GetValueOrDefault(session.Key));
        return seconds * 100 / Stopwatch.GetElapsedTime(_at).TotalSeconds;
    }

    private static Dictionary<int, double> Sessions(ReliabilitySystem system) =>
        ProcessTable
            .WithDescendants(system.Postgres.Pid)
            .Where(pid => ProcessTable.Arguments(pid)[0].Contains(Client, StringComparison.Ordinal))
            .ToDictionary(pid => pid, ProcessTable.CpuSeconds);
}
