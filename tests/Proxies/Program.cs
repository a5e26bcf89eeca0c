using Harness;
using LocalServices;
using Measuring;
using Proxies;

using var stop = new StopSignals();
try
{
    if (!OperatingSystem.IsLinux())
        throw new BenchmarkException("The proxies are Debian's programs.");

    var all = ProxyCatalog.All;
    var chosen = args.Length == 0 ? all : [.. all.Where(p => args.Contains(p.Name, StringComparer.OrdinalIgnoreCase))];
    if (chosen.Count < args.Length)
        throw new BenchmarkException($"Usage: [proxy…], of {string.Join(", ", all.Select(p => p.Name))}");

    await new ProxySuite(chosen, stop.Token).RunAsync();
    return 0;
}
catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("Stopped.");
    return 130;
}
catch (Exception e) when (e is BenchmarkException or LocalServicesException)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 2;
}
