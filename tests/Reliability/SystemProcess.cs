using Harness;
using Measuring;

namespace Reliability;

/// <summary>A server of the system that can be killed, frozen and restarted unchanged.</summary>
internal sealed class SystemProcess(
    string name,
    string[] command,
    IReadOnlyDictionary<string, string> environment,
    string signal,
    string folder,
    Func<CancellationToken, Task<bool>> answers
) : IAsyncDisposable
{
    private ChildProcess? _server;
    private IReadOnlyList<int> _frozen = [];

    public string Name => name;

    /// <summary>Raised for every line that the server prints.</summary>
    public event Action<string>? Printed;

    public string Output => _server?.Output ?? "";

    /// <summary>The process id; 0 when it does not run.</summary>
    public int Pid => _server?.Processes.FirstOrDefault(ProcessTable.Exists) ?? 0;

    /// <summary>Starts the server and waits until it answers. Retries when it ends at
    /// once, because the leftovers of a killed one can block it for a moment.</summary>
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

    public void Kill() => Signals.Send(Pid, Signals.Kill);

    public void Terminate() => Signals.Send(Pid, Signals.Terminate);

    public void Interrupt() => Signals.Send(Pid, Signals.Interrupt);

    /// <summary>Freezes the server and its children, in which Postgres
    /// works. The parent first, so that it starts no more.</summary>
    public void Freeze()
    {
        var pid = Pid;
        Signals.Send(pid, Signals.Stop);
        foreach (var process in _frozen = ProcessTable.WithDescendants(pid))
            Signals.Send(process, Signals.Stop);
    }

    public void Thaw()
    {
        foreach (var process in _frozen.Reverse())
            Signals.Send(process, Signals.Continue);
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
        if (_server is not null)
            await _server.DisposeAsync();
        _server = null;
    }

    private async Task LaunchAsync()
    {
        // Reaps the old process: the id of a zombie in postmaster.pid counts as running.
        if (_server is not null)
            await _server.DisposeAsync();
        _server = ChildProcess.Start(name, command, environment, signal, folder);
        _server.Printed += line => Printed?.Invoke(line);
        await Task.Delay(200);
    }
}
