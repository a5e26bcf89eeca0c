using System.Globalization;
using System.Runtime.InteropServices;
using Benchmarks;
using Benchmarks.Client;
using Benchmarks.Measurements;
using Benchmarks.Servers;
using Harness;

switch (args)
{
    case ["read"]:
        ClientProgram.Run<ReadOrder>(ReaderProgram.Run);
        return 0;
    case ["read-http"]:
        ClientProgram.Run<ReadOrder>(HttpReaderProgram.Run);
        return 0;
    case ["publish"]:
        ClientProgram.Run<PublishOrder>(PublisherProgram.Run);
        return 0;
    case ["plain", var url]:
        PlainServer.Run(url);
        return 0;
}

using var cancelled = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    cancelled.Cancel();
};
using var terminated = PosixSignalRegistration.Create(
    PosixSignal.SIGTERM,
    e =>
    {
        e.Cancel = true;
        cancelled.Cancel();
    }
);
try
{
    if (args is ["reads", .. var sizes])
    {
        await ReadCost.RunAsync(
            sizes.Length == 0
                ? [10_000, 1_000_000, 10_000_000]
                : [.. sizes.Select(s => long.Parse(s, CultureInfo.InvariantCulture))],
            cancelled.Token
        );
        return 0;
    }
    var options = BenchmarkOptions.Parse(args);
    if (options.Help)
    {
        Console.Write(BenchmarkOptions.Usage);
        return 0;
    }
    return await Suite.RunAsync(options, cancelled.Token) ? 0 : 1;
}
catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (BenchmarkException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
