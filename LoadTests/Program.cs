using LoadTests;
using LoadTests.Reports;
using LoadTests.Running;
using Measuring;

GeneratorProcess.Prepare();
using var cancelled = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    cancelled.Cancel();
};
using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(
    System.Runtime.InteropServices.PosixSignal.SIGTERM,
    e =>
    {
        e.Cancel = true;
        cancelled.Cancel();
    }
);
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
    // When the program that watches goes away, however it ends, the load ends too.
    if (options.JsonProgress)
        new Thread(() =>
        {
            while (Console.In.Read() >= 0) { }
            cancelled.Cancel();
        })
        {
            IsBackground = true,
        }.Start();
    return await LoadSuite.RunAsync(options, cancelled.Token) ? 0 : 1;
}
catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (LoadTestException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
