using System.Text.Json;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Client;

/// <summary>The child process of <see cref="ClientProcess"/>.</summary>
internal static class ClientProgram
{
    /// <summary>Runs the mode that the arguments name. Returns false when they name none.</summary>
    public static bool TryRun(string[] args)
    {
        switch (args)
        {
            case ["read"]:
                Run<ReadOrder>(ReaderProgram.Run);
                return true;
            case ["publish"]:
                Run<PublishOrder>(PublisherProgram.Run);
                return true;
            case ["one-by-one"]:
                Run<OneByOneOrder>(OneByOneProgram.Run);
                return true;
            case ["plain", var url]:
                PlainServer.Run(url);
                return true;
            case ["library", var url]:
                LibraryServer.Run(url);
                return true;
            default:
                return false;
        }
    }

    private static void Run<TOrder>(Action<TOrder, TextWriter, CancellationToken> work)
    {
        // Ctrl+C reaches the whole terminal; this process ends with its parent.
        Console.CancelKeyPress += (_, e) => e.Cancel = true;
        using var stop = new CancellationTokenSource();
        var order = JsonSerializer.Deserialize<TOrder>(
            Console.In.ReadLine()
                ?? throw new BenchmarkException(
                    "The standard input holds no order. Benchmarks starts this mode itself."
                )
        )!;

        new Thread(() =>
        {
            while (Console.In.Read() >= 0) { }
            stop.Cancel();
        })
        {
            IsBackground = true,
        }.Start();

        var output = Console.Out;
        work(order, output, stop.Token);
        output.Flush();
        Environment.Exit(0);
    }
}
