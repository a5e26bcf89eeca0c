using System.Diagnostics;
using System.Globalization;
using AppHost.LocalServices;

namespace Unit.Tests.Redis;

/// <summary>A real Redis for one test: the machine's, or fetched as the AppHost does. Where neither works the test is skipped.</summary>
internal sealed class RedisServer(Process process, int port) : IAsyncDisposable
{
    public int Port => port;

    public string Address => $"127.0.0.1:{port}";

    public static RedisServer Start(int port = 0)
    {
        port = port == 0 ? LoopbackPort.Take(0, "a test", "any") : port;
        var program = Find();
        var start = new ProcessStartInfo(program.File, ["--port", $"{port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        {
            RedirectStandardOutput = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        if (program.Libraries is { } libraries) start.Environment["LD_LIBRARY_PATH"] = libraries;
        return new RedisServer(Process.Start(start)!, port);
    }

    private static LocalProgram Find()
    {
        try { return AppHost.LocalServices.Redis.RedisServer.Find(Path.Combine(Repository.Root, ".local", "tools")); }
        catch (LocalServicesException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
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
