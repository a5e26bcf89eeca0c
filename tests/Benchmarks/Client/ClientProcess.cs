using System.Diagnostics;
using System.Text.Json;
using Harness;

namespace Benchmarks.Client;

/// <summary>
/// A reader or publisher in a process of its own, so that nobody counts its CPU as the server's. It reads its order
/// from its standard input and ends
/// when that ends.
/// </summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ClientProcess(Process process) => _process = process;

    /// <param name="mode">See Program.cs.</param>
    /// <param name="order">What it is to do.</param>
    /// <param name="compileAll">The framework's code too: as it comes it is not compiled for speed, and tiers are
    /// off.</param>
    public static async Task<ClientProcess> StartAsync(string mode, object order, bool compileAll = false)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(ClientProcess).Assembly.Location, mode])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        // Full speed from the first event: a run is over before tiers have paid for themselves.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        if (compileAll)
            start.Environment["DOTNET_ReadyToRun"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        var client = new ClientProcess(
            Process.Start(start) ?? throw new BenchmarkException("The client did not start.")
        );
        await client._process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order));
        await client._process.StandardInput.FlushAsync();
        return client;
    }

    /// <summary>Another program that speaks as this one does, and has its order as its arguments.</summary>
    public static ClientProcess Start(ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput) = (true, true);
        return new ClientProcess(
            Process.Start(start) ?? throw new BenchmarkException($"{start.FileName} did not start.")
        );
    }

    /// <summary>The next thing that it says.</summary>
    public async Task<T> NextAsync<T>(CancellationToken cancellationToken)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellationToken);
        return line is { Length: > 0 }
            ? JsonSerializer.Deserialize<T>(line)!
            : throw new BenchmarkException($"The client ended without a {typeof(T).Name}.");
    }

    /// <summary>Tells it to end; it says what it has so far.</summary>
    public void End() => _process.StandardInput.Close();

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }
        _process.Dispose();
    }
}
