using System.Diagnostics;
using System.Globalization;
using LocalServices;

namespace Unit.Redis;

/// <summary>A real Redis for one test.</summary>
internal sealed class RedisProcess(Process process, int port) : IAsyncDisposable
{
    public int Port => port;

    public string Address => $"127.0.0.1:{port}";

    /// <summary>The same for a client whose requests wait as long as a busy machine may need; by default they fail
    /// after 1.25 s.</summary>
    public string PatientAddress => $"{Address},asyncTimeout=60000";

    public static RedisProcess Start(LocalProgram program, int port = 0, params string[] options)
    {
        port = port == 0 ? LoopbackPort.Take(0, "a test", "any") : port;
        var start = new ProcessStartInfo(
            program.File,
            ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", .. options]
        )
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };

        if (program.Libraries is { } libraries)
            start.Environment["LD_LIBRARY_PATH"] = libraries;

        var process = Process.Start(start)!;
        // A client that comes earlier is refused, and connects only after a pause.
        while (process.StandardOutput.ReadLine() is { } line)
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal))
                return new RedisProcess(process, port);

        throw new InvalidOperationException($"Redis did not start on port {port}.");
    }

    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    public Task StopAsync()
    {
        process.Kill();
        return process.WaitForExitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process.Dispose();
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
