using System.Text;

namespace VendorClients;

/// <summary>Installs each client, tries it and prints the table. A client that fails costs its own rows.</summary>
internal sealed class ClientSuite(IReadOnlyList<TriedClient> clients, CancellationToken stop)
{
    private readonly List<(TriedClient Client, Attempt Attempt)> _rows = [];

    /// <summary>Returns true if nothing failed.</summary>
    public async Task<bool> RunAsync()
    {
        Report("Starting Postgres, Redis, a Broadcaster, two replicas and a scripted model");
        await using var product = await Product.StartAsync(stop);
        var folder = Directory.CreateTempSubdirectory("vendor-clients-");

        try
        {
            foreach (var client in clients)
            foreach (var attempt in await TryAsync(client, folder, product))
                _rows.Add((client, attempt));
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        Console.WriteLine(Table());
        return _rows.All(row => row.Attempt.Failure is null);
    }

    private async Task<IReadOnlyList<Attempt>> TryAsync(TriedClient client, DirectoryInfo folder, Product product)
    {
        var own = folder.CreateSubdirectory($"{client.Registry}-{client.Name.Replace('/', '-')}").FullName;
        Report($"{client.Name}: installing the newest version from {client.Registry}");
        if (await client.InstallAsync(own, stop) is { } failure)
        {
            Report($"{client.Name}: {failure.Tried} failed");
            return [failure];
        }

        Report($"{client.Name} {client.Version}: trying");
        var attempts = await client.TryAsync(own, product, stop);
        var failed = attempts.Count(attempt => attempt.Failure is not null);
        Report($"{client.Name} {client.Version}: {attempts.Count - failed} of {attempts.Count} work");

        return attempts;
    }

    private string Table()
    {
        var text = new StringBuilder();
        text.AppendLine($"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC\n");
        text.AppendLine("| client | version | tried | result |");
        text.AppendLine("|---|---|---|---|");
        foreach (var (client, attempt) in _rows)
            text.AppendLine(
                $"| {client.Name} ({client.Registry}) | {client.Version} | {attempt.Tried} | {ResultOf(attempt)} |"
            );

        return text.ToString();
    }

    private static string ResultOf(Attempt attempt) =>
        attempt.Failure is { } words ? $"**failed**: {words.ReplaceLineEndings(" ").Replace("|", "\\|")}" : "works";

    private static void Report(string what) => Console.Error.WriteLine($"{DateTime.Now:HH:mm:ss} {what}");
}
