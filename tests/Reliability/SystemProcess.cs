using System.Runtime.InteropServices;
using Harness;
using LoadTests.Chaos;
using Measuring;

namespace Reliability;

/// <summary>A server of the system that may be killed, frozen and started again as it was.</summary>
internal sealed partial class SystemProcess(
    string name,
    string[] command,
    IReadOnlyDictionary<string, string> environment,
    string signal,
    string folder,
    Func<CancellationToken, Task<bool>> answers
) : IAsyncDisposable
{
    private const int Sigkill = 9,
        Sigterm = 15,
        Sigint = 2,
        Sigstop = 19,
        Sigcont = 18;
    private Leash? _leash;
    private IReadOnlyList<int> _frozen = [];

    public string Name => name;

    /// <summary>Told of every line that it prints.</summary>
    public event Action<string>? Printed;

    public string Output => _leash?.Output ?? "";

    /// <summary>0 while there is none.</summary>
    public int Pid => _leash?.Processes.FirstOrDefault(ProcessTable.Exists) ?? 0;

    /// <summary>Starts it, again where it ends at once (what a killed one leaves behind may bar the way for a moment),
    /// and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Pid > 0 && await answers(cancellationToken))
            return;
        while (true)
        {
            if (Pid == 0)
                await LaunchAsync();
            if (await answers(cancellationToken))
                return;
            try
            {
                await Task.Delay(100, cancellationToken);
            }
            catch (OperationCanceledException e)
            {
                throw new OperationCanceledException($"{name} does not answer:\n{Output}", e, cancellationToken);
            }
        }
    }

    public void Kill() => Send(Pid, Sigkill);

    public void Terminate() => Send(Pid, Sigterm);

    public void Interrupt() => Send(Pid, Sigint);

    /// <summary>With its children, in which Postgres works; the parent first: it can make no more of them.</summary>
    public void Freeze()
    {
        var pid = Pid;
        Send(pid, Sigstop);
        foreach (var process in _frozen = ProcessTable.WithDescendants(pid))
            Send(process, Sigstop);
    }

    public void Thaw()
    {
        foreach (var process in _frozen.Reverse())
            Send(process, Sigcont);
        _frozen = [];
    }

    public async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        while (Pid > 0)
            await Task.Delay(50, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Thaw();
        if (_leash is not null)
            await _leash.DisposeAsync();
        _leash = null;
    }

    private async Task LaunchAsync()
    {
        // Its shell takes note of its end: a zombie's id in postmaster.pid counts as running.
        if (_leash is not null)
            await _leash.DisposeAsync();
        _leash = Leash.Start(name, command, environment, signal, folder);
        _leash.Printed += line => Printed?.Invoke(line);
        await Task.Delay(200);
    }

    // Never 0 or below: that is a group, or everybody.
    private static void Send(int pid, int signal)
    {
        if (pid > 1)
            _ = kill(pid, signal);
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
