using Measuring;

namespace Harness;

/// <summary>A server that can be killed, frozen and restarted unchanged.</summary>
/// <param name="name">The name in messages.</param>
/// <param name="command">The program and its arguments.</param>
/// <param name="answers">Returns true when the server works.</param>
/// <param name="environment">Its variables, beside those of this process.</param>
/// <param name="signal">The signal for a clean end: TERM, or INT for Postgres.</param>
/// <param name="folder">Its working directory.</param>
internal sealed class SystemProcess(
    string name,
    string[] command,
    Func<CancellationToken, Task<bool>> answers,
    IReadOnlyDictionary<string, string>? environment = null,
    string signal = "TERM",
    string? folder = null
) : IBreakable, IAsyncDisposable
{
    // The leftovers of a killed server can block the next one for a moment.
    private const int MostLaunches = 50;

    private ChildProcess? _server;
    private IReadOnlyList<int> _frozen = [];

    public string Output => _server?.Output ?? "";

    /// <summary>The server and its children.</summary>
    public IReadOnlyList<int> Processes => _server?.Processes ?? [];

    /// <summary>The process id; 0 when it does not run.</summary>
    public int Pid => Processes.FirstOrDefault(ProcessTable.Exists);

    /// <inheritdoc/>
    /// <exception cref="BenchmarkException">It ended again and again.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var launches = 0; ; )
        {
            if (Pid == 0)
            {
                if (++launches > MostLaunches)
                    throw new BenchmarkException($"{name} does not start:\n{Output}");
                await LaunchAsync();
            }

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

    public void Terminate() => Signals.Send(Pid, signal == "INT" ? Signals.Interrupt : Signals.Terminate);

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
        await Task.Delay(200);
    }
}
