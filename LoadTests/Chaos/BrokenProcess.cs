using System.Runtime.InteropServices;

namespace LoadTests.Chaos;

/// <summary>A process under a fault. What was killed is started again by whoever started it: the AppHost, so that its
/// proxy knows the new one.</summary>
internal sealed partial class BrokenProcess(ChaosTarget target, int pid, FaultKind fault)
{
    private const int Sigkill = 9,
        Sigterm = 15,
        Sigint = 2;
    private static readonly int Sigstop = OperatingSystem.IsMacOS() ? 17 : 19,
        Sigcont = OperatingSystem.IsMacOS() ? 19 : 18;
    private IReadOnlyList<int> _frozen = [];

    public ChaosTarget Target => target;
    public int Pid => pid;

    /// <summary>Where it listened.</summary>
    public IReadOnlyList<int> Ports { get; } = [.. ProcessTable.PortsOf(pid)];

    /// <summary>Whether it is there no more, while somebody listens where it did.</summary>
    public bool IsReplaced => !ProcessTable.Exists(pid) && Ports.Any(port => ProcessTable.ListenerOf(port) is not null);

    public void Break()
    {
        // To Postgres SIGTERM means "when the last client has left", which a pool never does; SIGINT is what asks it to
        // end now.
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
            throw new LoadTestException($"{target} ({pid}) could not be sent a signal: it is gone, or another user's.");
        // Postgres works in its children. The parent first: it can make no more of them.
        if (fault == FaultKind.Stop)
            foreach (var child in _frozen = [.. ProcessTable.Family(pid).Skip(1)])
                TrySend(child, Sigstop);
    }

    public void Thaw()
    {
        foreach (var process in _frozen.Append(pid))
            TrySend(process, Sigcont);
    }

    // Never 0 or below: that is a group, or everybody.
    private static bool TrySend(int pid, int signal) => pid > 1 && kill(pid, signal) == 0;

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
