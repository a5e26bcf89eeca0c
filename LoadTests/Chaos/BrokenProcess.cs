using System.Runtime.InteropServices;
using LoadTests.Targets;
using Measuring;

namespace LoadTests.Chaos;

/// <summary>A process under a fault. The AppHost restarts a killed process, so its proxy knows the new one.</summary>
internal sealed partial class BrokenProcess(ChaosTarget target, int pid, FaultKind fault)
{
    private const int Sigkill = 9,
        Sigterm = 15,
        Sigint = 2;
    private static readonly int Sigstop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int Sigcont = OperatingSystem.IsMacOS() ? 19 : 18;
    private IReadOnlyList<int> _frozen = [];

    public ChaosTarget Target => target;
    public int Pid => pid;

    /// <summary>The ports that the process listened on before the fault.</summary>
    public IReadOnlyList<int> Ports { get; } = [.. ProcessTable.PortsOf(pid)];

    /// <summary>True when the process is gone and another one listens on one of its ports.</summary>
    public bool IsReplaced => !ProcessTable.Exists(pid) && Ports.Any(port => ProcessTable.ListenerOf(port) is not null);

    public void Break()
    {
        // SIGTERM makes Postgres wait until the last client disconnects,
        // which a pool never does; SIGINT makes it end now.
        if (
            !TrySend(
                pid,
                fault switch
                {
                    FaultKind.Kill => Sigkill,
                    FaultKind.Term => target == ChaosTarget.Postgres ? Sigint : Sigterm,
                    _ => Sigstop,
                }
            )
        )
            throw new LoadTestException(
                $"{target} ({pid}) could not be signalled: it has ended or belongs to another user."
            );
        // Postgres works in its child processes. Freezing the parent first keeps it from starting more.
        if (fault == FaultKind.Stop)
            foreach (var child in _frozen = [.. ProcessTable.WithDescendants(pid).Skip(1)])
                TrySend(child, Sigstop);
    }

    public void Thaw()
    {
        foreach (var process in _frozen.Append(pid))
            TrySend(process, Sigcont);
    }

    // A pid of 0 or below addresses a group of processes.
    private static bool TrySend(int pid, int signal) => pid > 1 && kill(pid, signal) == 0;

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
