using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Harness;

/// <summary>One of our services as a process of its own, on a free port, that a test may kill, freeze, stop or start
/// again. It ends with this process.</summary>
internal sealed partial class ServiceProcess : RunningService, IBreakable
{
    private readonly IReadOnlyDictionary<string, string> _environment;
    private Process _process = null!;
    private TaskCompletionSource<Uri> _listening = null!;
    private Uri? _url;

    private volatile bool _disposed;

    private ServiceProcess(string program, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        Program = program;
        _environment = environment;
        Launch(arguments);
    }

    /// <summary>The name of its project, or the path of its dll; a new one is used from the next start on.</summary>
    public string Program { get; set; }
    public override Uri Url => _url ?? _listening.Task.Result;
    public int Id => _process.Id;
    public override bool HasExited => _disposed || _process.HasExited;
    public int ExitCode => _process.ExitCode;

    /// <summary>Memory that the process has in RAM (Linux).</summary>
    public long Megabytes() =>
        !OperatingSystem.IsLinux()
            ? 0
            : long.Parse(
                File.ReadLines($"/proc/{Id}/status")
                    .First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            ) / 1_024;

    /// <param name="program">The name of its project, or the path of its dll.</param>
    /// <param name="environment">Its variables, beside those of this process.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <param name="url">The address to listen on.</param>
    public static async Task<ServiceProcess> StartAsync(
        string program,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken,
        string url = "http://127.0.0.1:0"
    )
    {
        var started = new ServiceProcess(program, environment, ["--urls", url]);
        try
        {
            started._url = await started._listening.Task.WaitAsync(TimeSpan.FromMinutes(3), cancellationToken);
            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs the program to its end; throws with its output if the exit code is not 0.</summary>
    public static async Task RunToEndAsync(
        string program,
        string[] arguments,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken
    )
    {
        await using var process = new ServiceProcess(program, environment, arguments);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}:\n{process.Output}");
    }

    /// <summary>Starts the service at its former address, unless it runs; again, if what another process left there
    /// ends it.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (HasExited)
                Launch(["--urls", Url.ToString()]);

            await ((Task)_listening.Task)
                .WaitAsync(cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            cancellationToken.ThrowIfCancellationRequested();
            if (!HasExited)
                return;

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>The program of a project, built beside this one:
    /// artifacts/bin/Integration/debug/ -> artifacts/bin/&lt;project&gt;/debug/&lt;project&gt;.dll.</summary>
    public static string PathOf(string project)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        return Path.Combine(here.Parent!.Parent!.FullName, project, here.Name, project + ".dll");
    }

    public void Kill() => _process.Kill();

    public void Terminate() => Signal(Signals.Terminate);

    public void Freeze() => Signal(Signals.Stop);

    public void Thaw() => Signal(Signals.Continue);

    public Task WaitForEndAsync(CancellationToken cancellationToken) => WaitForExitAsync(cancellationToken);

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        Terminate();
        return WaitForExitAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        if (!HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _disposed = true;
        _process.Dispose();
    }

    private void Launch(string[] arguments)
    {
        var dll = Path.IsPathRooted(Program) ? Program : PathOf(Program);
        var start = new ProcessStartInfo("dotnet", [dll, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(dll)!,
        };
        // Compiling again what is used often costs a quarter of a start's CPU; the process ends before it pays.
        start.Environment["DOTNET_TC_CallCounting"] = "0";
        // Only a load generator may have it (GeneratorProcess).
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");

        foreach (var (name, value) in _environment)
            start.Environment[name] = value;

        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var listening = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, e) => Read(e.Data);
        process.ErrorDataReceived += (_, e) => Read(e.Data);
        process.Exited += (_, _) =>
            listening.TrySetException(
                new InvalidOperationException($"The process ended with {process.ExitCode}:\n{Output}")
            );
        _process?.Dispose();
        _process = process;
        _listening = listening;

        process.Start();
        ReapedProcesses.Add(process);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Read(string? line)
    {
        if (line is null)
            return;
        Take(line);
        if (!_listening.Task.IsCompleted && Listening().Match(line) is { Success: true } match)
            _listening.TrySetResult(Reachable(match.Groups[1].Value));
    }

    private void Signal(int number)
    {
        if (!Signals.Send(_process.Id, number))
            throw new InvalidOperationException($"Signal {number} was not sent.");
    }

    [GeneratedRegex(@"Now listening on: (https?://\S+)")]
    private static partial Regex Listening();
}
