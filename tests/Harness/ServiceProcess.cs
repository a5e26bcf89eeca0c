using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Harness;

/// <summary>One of our services as a process of its own, on a free port, that a test may kill, freeze or
/// stop.</summary>
internal sealed partial class ServiceProcess : RunningService
{
    private readonly Process _process;
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile bool _disposed;

    private ServiceProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Read(e.Data);
        process.ErrorDataReceived += (_, e) => Read(e.Data);
        process.Exited += (_, _) =>
            _listening.TrySetException(
                new InvalidOperationException($"The process ended with {process.ExitCode}:\n{Output}")
            );
    }

    public override Uri Url => _listening.Task.Result;
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

    public static async Task<ServiceProcess> StartAsync(
        string service,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken,
        string url = "http://127.0.0.1:0"
    )
    {
        var started = Run(service, ["--urls", url], environment);
        try
        {
            await started._listening.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
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
        string service,
        string[] arguments,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellationToken
    )
    {
        await using var process = Run(service, arguments, environment);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{service} ended with {process.ExitCode}:\n{process.Output}");
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

    private static ServiceProcess Run(
        string service,
        string[] arguments,
        IReadOnlyDictionary<string, string> environment
    )
    {
        var dll = PathOf(service);
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
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var service_ = new ServiceProcess(process);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return service_;
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
