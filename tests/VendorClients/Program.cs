using Harness;
using LocalServices;
using Measuring;
using VendorClients;

using var stop = new StopSignals();
try
{
    var all = ClientCatalog.All();
    var chosen = args.Length == 0 ? all : [.. all.Where(client => args.Contains(client.Name))];
    if (chosen.Count < args.Length)
        throw new BenchmarkException($"Usage: [client…], of {string.Join(", ", all.Select(client => client.Name))}");

    return await new ClientSuite(chosen, stop.Token).RunAsync() ? 0 : 1;
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
