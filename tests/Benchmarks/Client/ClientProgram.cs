using System.Text.Json;
using Harness;

namespace Benchmarks.Client;

/// <summary>The child's side of <see cref="ClientProcess"/>.</summary>
internal static class ClientProgram
{
    public static void Run<TOrder>(Action<TOrder, TextWriter, CancellationToken> work)
    {
        // Ctrl+C reaches the whole terminal; we end when our parent does.
        Console.CancelKeyPress += (_, e) => e.Cancel = true;
        using var told = new CancellationTokenSource();
        var order = JsonSerializer.Deserialize<TOrder>(
            Console.In.ReadLine() ?? throw new BenchmarkException("No order.")
        )!;
        new Thread(() =>
        {
            while (Console.In.Read() >= 0) { }
            told.Cancel();
        })
        {
            IsBackground = true,
        }.Start();
        var output = Console.Out;
        work(order, output, told.Token);
        output.Flush();
        Environment.Exit(0);
    }
}
