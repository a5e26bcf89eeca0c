using System.Runtime.InteropServices;
using Harness;
using LoadTests;
using LoadTests.Running;
using LocalServices;
using Measuring;
using Reliability.Abuse;

namespace Reliability;

internal static class ReliabilityProgram
{
    private static async Task<int> Main(string[] args)
    {
        if (args is [AbuserProcess.Argument, var abuse, .. var replicas])
            return await AbuserProcess.MainAsync(abuse, replicas);
        GeneratorProcess.Prepare();
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
            if (ReliabilityOptions.Parse(args) is not { } options)
            {
                Console.Write(ReliabilityOptions.Usage);
                return 0;
            }
            if (!OperatingSystem.IsLinux())
                throw new LoadTestException("This breaks processes by what /proc says of them: it runs on Linux only.");
            await using var suite = new ReliabilitySuite(options);
            return await suite.RunAsync(cancelled.Token) ? 0 : 1;
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 130;
        }
        catch (Exception e)
            when (e
                    is LoadTestException
                        or LocalServicesException
                        or BenchmarkException
                        or ArgumentException
                        or OperationCanceledException
            )
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }
}
