using Harness;
using LoadTests;
using LocalServices;
using Measuring;
using Reliability.Abuse;
using Reliability.Compose;

namespace Reliability;

internal static class ReliabilityProgram
{
    private static async Task<int> Main(string[] args)
    {
        if (args is [LoadProcess.Argument, var abuse, .. var replicas])
            return await LoadProcess.MainAsync(abuse, replicas);

        GeneratorProcess.Prepare();
        using var stop = new StopSignals();
        try
        {
            if (args is ["compose"] or ["compose", "--short"])
                return await ComposeCheck.MainAsync(isShort: args.Length > 1, stop.Token);

            if (ReliabilityOptions.Parse(args) is not { } options)
            {
                Console.Write(ReliabilityOptions.Usage);
                return 0;
            }

            if (!OperatingSystem.IsLinux())
                throw new LoadTestException(
                    "The reliability checks run on Linux only, because they find processes in /proc."
                );

            await using var suite = new ReliabilitySuite(options);
            return await suite.RunAsync(stop.Token) ? 0 : 1;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return 130;
        }
        catch (Exception e) when (IsExplained(e))
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }

    // These messages say what to do; a stack trace would add nothing.
    private static bool IsExplained(Exception exception) =>
        exception
            is LoadTestException
                or LocalServicesException
                or BenchmarkException
                or ArgumentException
                or OperationCanceledException;
}
