using System.Diagnostics;
using System.Text.Json;
using Harness;

namespace Benchmarks.Client;

/// <summary>A reader or publisher in its own process, so that its CPU is not counted as the
/// server's. It reads its order from its standard input and ends when that closes.</summary>
internal sealed class ClientProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ClientProcess(Process process) => _process = process;

    /// <param name="mode">The mode of ClientProgram.</param>
    /// <param name="order">The order that the process reads.</param>
    public static async Task<ClientProcess> StartAsync(string mode, object order)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(ClientProcess).Assembly.Location, mode])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        // Compiled for speed from the first event: a run ends before tiered compilation pays off.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        var client = new ClientProcess(
            Process.Start(start) ?? throw new BenchmarkException("The client did not start.")
        );
        await client._process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(order));
        await client._process.StandardInput.FlushAsync();

        return client;
    }

    /// <summary>Waits for the next line of output.</summary>
    public async Task<T> NextAsync<T>(CancellationToken cancellationToken)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellationToken);
        return line is { Length: > 0 }
            ? JsonSerializer.Deserialize<T>(line)!
            : throw new BenchmarkException($"The client ended without a {typeof(T).Name}.");
    }

    /// <summary>Closes the input, so that the process reports its result and ends.</summary>
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
