using System.Diagnostics;
using System.Globalization;
using Harness;
using Integration.Seeds;
using LocalServices;

namespace Integration.Delivery;

/// <summary>A real Redis server for one test, which may kill, freeze or restart it. Services reach it through a link
/// that can be cut.</summary>
internal sealed class RedisNode : IAsyncDisposable
{
    private static readonly Lazy<LocalProgram> Program = new(() =>
        LocalServices.Redis.LocalRedis.Find(Path.Combine(PythonTests.Root, ".local", "tools"))
    );

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("redis-");
    private readonly string[] _options;
    private Process _process;

    private RedisNode(int port, string[] options)
    {
        Port = port;
        _options = options;
        _process = Run();
        Link = new FaultyLink("127.0.0.1", port);
    }

    public int Port { get; }

    public FaultyLink Link { get; }

    /// <summary>The server itself.</summary>
    public string Address => $"127.0.0.1:{Port}";

    /// <summary>The server through the link, as the services name it.</summary>
    public string LinkedAddress => $"127.0.0.1:{Link.Port}";

    /// <summary>The reason that no server can run here, or null if one can. Downloads it as the AppHost does.</summary>
    public static async Task<string?> MissingAsync()
    {
        try
        {
            _ = await Task.Run(() => Program.Value);
            return null;
        }
        catch (LocalServicesException e)
        {
            return e.Message;
        }
    }

    public static async Task<RedisNode> StartAsync(int port = 0, params string[] options)
    {
        var node = new RedisNode(port == 0 ? FreePort.Take() : port, options);
        await node.WaitUntilReadyAsync();
        return node;
    }

    /// <summary>Runs redis-cli on the server and returns its output.</summary>
    public async Task<string> AskAsync(params string[] command)
    {
        var cli = Path.Combine(Path.GetDirectoryName(Program.Value.File) ?? "", "redis-cli");
        var start = new ProcessStartInfo(cli, ["-p", $"{Port}", .. command]) { RedirectStandardOutput = true };

        if (Program.Value.Libraries is { } libraries)
            start.Environment["LD_LIBRARY_PATH"] = libraries;

        using var asking = Process.Start(start)!;
        var output = await asking.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await asking.WaitForExitAsync(TestContext.Current.CancellationToken);

        return output.Trim();
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Starts the server again, empty, at its former port.</summary>
    public async Task RestartAsync()
    {
        _process = Run();
        await WaitUntilReadyAsync();
    }

    public void Freeze() => Signal("STOP");

    public void Thaw() => Signal("CONT");

    public async ValueTask DisposeAsync()
    {
        await Link.DisposeAsync();

        try
        {
            await KillAsync();
        }
        catch (InvalidOperationException)
        { /* it was killed before */
        }

        _folder.Delete(recursive: true);
    }

    private Task WaitUntilReadyAsync() =>
        Eventually.HoldsAsync(async () => await AskAsync("ping") == "PONG", $"Redis {Address} answers");

    private Process Run()
    {
        string[] common = ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        var start = new ProcessStartInfo(Program.Value.File, [.. common, "--dir", _folder.FullName, .. _options])
        {
            RedirectStandardOutput = true,
        };

        if (Program.Value.Libraries is { } libraries)
            start.Environment["LD_LIBRARY_PATH"] = libraries;

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine(); // a full pipe would stop the server

        return process;
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
