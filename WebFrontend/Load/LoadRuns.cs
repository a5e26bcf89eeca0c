using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace WebFrontend.Load;

/// <summary>
/// Runs the load generator: one at a time, for a limited time, and never longer than this program. The generator ends
/// when its input is
/// closed, however that comes about.
/// </summary>
internal sealed class LoadRuns(LoadTestsProgram program, TimeProvider clock, ILogger<LoadRuns> logger)
    : IHostedService,
        IDisposable
{
    private const int KeptReports = 10;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4),
        Goodbye = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;

    /// <summary>The run that goes on, or the last one; null before the first.</summary>
    public LoadRun? Current { get; private set; }

    /// <summary>Completes when another run begins.</summary>
    public Task NextAsync(LoadRun? than)
    {
        lock (_gate)
            return Current == than ? _next.Task : Task.CompletedTask;
    }

    /// <summary>Null where one goes on.</summary>
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
            logger.LogWarning("The load tests could not be run: {Reason}", e.Message);
            run.TakeLog(e.Message);
            run.End("error");
        }
    }

    private async Task<string> RunProcessAsync(LoadRun run, LoadRequest request, string dll, CancellationToken stop)
    {
        var folder = Path.Combine(program.Reports, "page", run.Id);
        Directory.CreateDirectory(folder);
        foreach (
            var old in Directory
                .GetDirectories(Path.Combine(program.Reports, "page"))
                .OrderDescending(StringComparer.Ordinal)
                .Skip(KeptReports)
        )
            Directory.Delete(old, recursive: true);
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [dll, "--target", program.Target, "--reports", folder, "--progress", "json", .. request.Arguments()]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is not null)
                run.Take(e.Data);
        };
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is not null)
                run.TakeLog(e.Data);
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Longest);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.StandardInput.Close();
            using var goodbye = new CancellationTokenSource(Goodbye);
            try
            {
                await process.WaitForExitAsync(goodbye.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None);
            }
            if (!stop.IsCancellationRequested)
                run.TakeLog($"Stopped: it took longer than {Longest.TotalMinutes:F0} minutes.");
            return stop.IsCancellationRequested ? "stopped" : "error";
        }
        return process.ExitCode switch
        {
            0 => "passed",
            1 => "failed",
            _ => "error",
        };
    }
}
