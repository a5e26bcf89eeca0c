using LoadTests;
using LoadTests.Reports;
using LoadTests.Running;
using Measuring;

GeneratorProcess.Prepare();
using var stop = new StopSignals();
try
{
    var options = LoadOptions.Parse(args);
    if (options.Help)
    {
        Console.Write(LoadOptions.Usage);
        return 0;
    }

    if (options.Compare is var (before, after))
        return Comparison.Run(before, after, options.ReportFolder);

    if (options.JsonProgress)
        stop.StopWithInput();

    return await LoadSuite.RunAsync(options, stop.Token);
}
catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (LoadTestException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"The reports could not be written: {e.Message} Free space, or give another --reports.");
    return 2;
}
