using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace WebFrontend.Load;

/// <summary>
/// Runs the load generator, one run at a time and for a limited time. The generator ends when its input closes, so it
/// cannot outlive this process.
/// </summary>
internal sealed class LoadRunner(LoadTestsProgram program, TimeProvider clock, ILogger<LoadRunner> logger)
    : IHostedService,
        IDisposable
{
    private const int KeptReports = 10;
    private static readonly TimeSpan MaxDuration = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan GracePeriod = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;

    /// <summary>The current or last run, or null before the first.</summary>
    public LoadRun? Current { get; private set; }

    /// <summary>Completes when a run other than <paramref name="than"/> starts.</summary>
    public Task NextAsync(LoadRun? than)
    {
        lock (_gate)
            return Current == than ? _next.Task : Task.CompletedTask;
    }

    /// <summary>Starts a run. Returns null while another one is running.</summary>
    public LoadRun? TryStart(LoadRequest request)
    {
        lock (_gate)
        {
            if (program.Dll is null || _stopping.IsCancellationRequested || Current is { Ended: false })
                return null;

            var now = clock.GetUtcNow();
            var run = Current = new LoadRun(
                now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture),
                request,
                now
            );
            _stop?.Dispose();
            _stop = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);

            var token = _stop.Token;
            _running = Task.Run(() => RunAsync(run, request, program.Dll, token));
            _next.SetResult();
            _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

            return run;
        }
    }

    public void Stop()
    {
        lock (_gate)
            _stop?.Cancel();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _running;
    }

    public void Dispose()
    {
        _stop?.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync(LoadRun run, LoadRequest request, string dll, CancellationToken stop)
    {
        try
        {
            run.End(await RunProcessAsync(run, request, dll, stop));
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            logger.LogWarning("The load tests could not be started: {Reason}", e.Message);
            run.AddLog(e.Message);
            run.End("error");
        }
    }

    private async Task<string> RunProcessAsync(LoadRun run, LoadRequest request, string dll, CancellationToken stop)
    {
        using var process = StartProcess(run, request, dll);
        using var timeout = new CancellationTokenSource(MaxDuration, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop, timeout.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            await EndProcessAsync(process);
            if (!stop.IsCancellationRequested)
                run.AddLog($"Stopped: the run took longer than {MaxDuration.TotalMinutes:F0} minutes.");
            return stop.IsCancellationRequested ? "stopped" : "error";
        }

        return process.ExitCode switch
        {
            0 => "passed",
            1 => "failed",
            _ => "error",
        };
    }

    private Process StartProcess(LoadRun run, LoadRequest request, string dll)
    {
        var folder = Path.Combine(program.Reports, "page", run.Id);
        Directory.CreateDirectory(folder);
        DeleteOldReports(Path.Combine(program.Reports, "page"));

        var process = new Process
        {
            StartInfo = new ProcessStartInfo(
                Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
                [dll, "--target", program.Target, "--reports", folder, "--progress", "json", .. request.Arguments()]
            )
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = folder,
            },
        };
        process.OutputDataReceived += (_, e) => run.AddOutput(e.Data ?? "");
        process.ErrorDataReceived += (_, e) => run.AddLog(e.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        return process;
    }

    private static void DeleteOldReports(string folder)
    {
        foreach (var old in Directory.GetDirectories(folder).OrderDescending(StringComparer.Ordinal).Skip(KeptReports))
            Directory.Delete(old, recursive: true);
    }

    /// <summary>Asks the load generator to end by closing its input, and kills it after a grace period.</summary>
    private async Task EndProcessAsync(Process process)
    {
        process.StandardInput.Close();
        using var grace = new CancellationTokenSource(GracePeriod, clock);
        try
        {
            await process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}
