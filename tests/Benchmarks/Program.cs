using Benchmarks;
using Benchmarks.Client;
using Benchmarks.Comparison;
using Benchmarks.Measurements;
using Harness;
using LocalServices;
using Measuring;

if (ClientProgram.TryRun(args))
    return 0;
using var stop = new StopSignals();
try
{
    if (args is ["match"])
    {
        MatchCost.Run();
        return 0;
    }

    if (args is ["relay"])
        return RelayCost.Run() ? 0 : 1;
    if (args is ["compare", .. var compared])
        return await CompareProgram.RunAsync(compared, stop.Token) ? 0 : 1;

    var options = BenchmarkOptions.Parse(args);
    if (options.Help)
    {
        Console.Write(BenchmarkOptions.Usage);
        return 0;
    }

    return await Suite.RunAsync(options, stop.Token) ? 0 : 1;
}
catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (Exception e) when (e is BenchmarkException or LocalServicesException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
