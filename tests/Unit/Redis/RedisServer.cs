using System.Diagnostics;
using System.Globalization;
using AppHost.LocalServices;

namespace Unit.Tests.Redis;

/// <summary>A real Redis for one test. Where the machine has none on its path the test is skipped.</summary>
internal sealed class RedisServer(Process process, int port) : IAsyncDisposable
{
    public int Port => port;

    public string Address => $"127.0.0.1:{port}";

    public static RedisServer Start(int port = 0)
    {
        var executable = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(executable is null, "no redis-server on the path: apt-get install redis-server");
        port = port == 0 ? LoopbackPort.Take(0, "a test", "any") : port;
        return new RedisServer(
            Process.Start(new ProcessStartInfo(executable!, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            {
                RedirectStandardOutput = true,
                WorkingDirectory = Path.GetTempPath(),
            })!,
            port);
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
