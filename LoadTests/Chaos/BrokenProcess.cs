using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LoadTests.Chaos;

/// <summary>
/// A process under a fault. What was killed is started again as it was (program, arguments, environment, folder, user) where nobody else does
/// it, and does not outlive the system that the first one belonged to.
/// </summary>
internal sealed partial class BrokenProcess
{
    private const int Sigkill = 9, Sigterm = 15;
    private static readonly string[] Shells = ["sh", "bash", "dash", "setpriv"];
    private static readonly int Sigstop = OperatingSystem.IsMacOS() ? 17 : 19, Sigcont = OperatingSystem.IsMacOS() ? 19 : 18;

    // Starts $2…, again where that fails at once (a dead Postgres's children hold its memory for a moment), until it or the process $1 ends.
    private const string Guard = """
        exec </dev/null >/dev/null 2>&1
        guarded=$1; shift
        for try in 1 2 3 4 5; do
          "$@" & child=$!
          began=$(date +%s)
          while kill -0 "$child"; do
            kill -0 "$guarded" || { kill -INT "$child"; sleep 3; kill -9 "$child"; exit; }
            sleep 1
          done
          [ $(($(date +%s) - began)) -gt 4 ] && exit
        done
        """;

    private readonly FaultKind _fault;
    private readonly IReadOnlyList<string> _command;
    private readonly IReadOnlyDictionary<string, string> _variables;
    private readonly string _folder;
    private readonly int _user, _group, _system;
    private readonly IReadOnlyList<int> _ports;
    private IReadOnlyList<int> _frozen = [];

    /// <param name="target">What it is.</param>
    /// <param name="pid">Which.</param>
    /// <param name="fault">What is to happen to it.</param>
    /// <param name="command">How it was started, where its command line does not say so any more.</param>
    public BrokenProcess(ChaosTarget target, int pid, FaultKind fault, IReadOnlyList<string>? command)
    {
        (Target, Pid, _fault) = (target, pid, fault);
        _command = command ?? [ProcessTable.Program(pid), .. ProcessTable.Arguments(pid).Skip(1)];
        (_variables, _folder) = (ProcessTable.Variables(pid), ProcessTable.WorkingDirectory(pid));
        (_user, _group) = (ProcessTable.User(pid), ProcessTable.Group(pid));
        _ports = [.. ProcessTable.PortsOf(pid)];
        _system = SystemOf(pid);
    }

    public ChaosTarget Target { get; }
    public int Pid { get; }

    public void Break()
    {
        Send(Pid, _fault switch { FaultKind.Kill => Sigkill, FaultKind.Term => Sigterm, _ => Sigstop });
        // Postgres works in its children. The parent first: it can make no more of them.
        if (_fault != FaultKind.Stop) return;
        foreach (var child in _frozen = [.. ProcessTable.Family(Pid).Skip(1)]) TrySend(child, Sigstop);
    }

    /// <summary>Thawed, or running again and listening where it did.</summary>
    public async Task MendAsync(CancellationToken cancellationToken)
    {
        if (_fault == FaultKind.Stop)
        {
            foreach (var child in _frozen) TrySend(child, Sigcont);
            Send(Pid, Sigcont);
            return;
        }
        while (ProcessTable.Exists(Pid)) await Task.Delay(50, cancellationToken);
        if (!IsListening()) Start();
        while (!IsListening()) await Task.Delay(100, cancellationToken);
    }

    /// <summary>Whose end is its end: the orchestrator. Shells and the like between the two end with it; a guard of ours knows.</summary>
    private static int SystemOf(int pid)
    {
        var above = ProcessTable.Parent(pid);
        while (above > 1 && Shells.Contains(ProcessTable.Name(above)))
        {
            var arguments = ProcessTable.Arguments(above);
            if (arguments.Count > 4 && arguments[2] == Guard && int.TryParse(arguments[4], out var guarded)) return guarded;
            above = ProcessTable.Parent(above);
        }
        return Math.Max(1, above);
    }

    private bool IsListening() => _ports.Any(port => ProcessTable.ListenerOf(port) is not null);

    private void Start()
    {
        List<string> guard = ["-c", Guard, "guard", $"{_system}"];
        if (_user != ProcessTable.User(Environment.ProcessId)) guard.AddRange(["setpriv", $"--reuid={_user}", $"--regid={_group}", "--clear-groups"]);
        var start = new ProcessStartInfo("setsid", ["sh", .. guard, .. _command]) { WorkingDirectory = _folder };
        // Redis writes over its environment too; then ours has to do.
        if (_variables.Count > 0) start.Environment.Clear();
        foreach (var (name, value) in _variables) start.Environment[name] = value;
        using var process = Process.Start(start);
    }

    private void Send(int pid, int signal)
    {
        if (!TrySend(pid, signal)) throw new LoadTestException($"{Target} ({pid}) could not be sent signal {signal}: it is gone, or another user's.");
    }

    // Never 0 or below: that is a group, or everybody.
    private static bool TrySend(int pid, int signal) => pid > 1 && kill(pid, signal) == 0;

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
