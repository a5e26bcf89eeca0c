using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Reliability;

/// <summary>Sends random requests and checks that none causes a server error, a leak or a secret in the log.</summary>
internal sealed class InputCheck : ICheck
{
    private const int MaxMegabytes = 900;

    public string Name => "random requests";
    public SystemKind Needs => SystemKind.Verbose;

    public async Task<Outcome> RunAsync(
        ReliabilitySystem system,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        var server = system.Replicas[0];
        using var http = new HttpClient
        {
            BaseAddress = server.Url,
            DefaultRequestHeaders = { Authorization = new("Bearer", SystemSettings.Operator) },
        };

        using var asked = await http.PostAsJsonAsync(
            "/v1/stream-tickets",
            new { topics = new[] { ">" } },
            cancellationToken
        );

        var ticket = (await asked.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellationToken))
            .GetProperty("ticket")
            .GetString()!;

        var fuzz = new FuzzRun(
            server.Url,
            await http.GetFromJsonAsync<JsonElement>("/openapi/v1.json", cancellationToken),
            SystemSettings.Key,
            SystemSettings.User("fuzz", [">"], [">"]),
            ticket
        );
        var (shown, lines) = (0, 0L);
        void Look(string line)
        {
            Interlocked.Increment(ref lines);
            if (fuzz.Secrets.Any(s => line.Contains(s, StringComparison.Ordinal)))
                Interlocked.Increment(ref shown);
        }

        var seed = Random.Shared.Next();
        var before = ProcessStats.ResidentMegabytes(server.Process.Id);
        server.Printed += Look;

        try
        {
            await fuzz.RunAsync(options.BadRequests, seed, cancellationToken);
        }
        finally
        {
            server.Printed -= Look;
        }

        var after = ProcessStats.ResidentMegabytes(server.Process.Id);

        foreach (var fault in fuzz.Faults.Take(10))
            await Console.Error.WriteLineAsync(fault);

        var left = await WaitUntilEmptyAsync(system, cancellationToken);
        return new Outcome(
            fuzz.Faults.IsEmpty && shown == 0 && after < MaxMegabytes && left == 0 && fuzz.IsTelling,
            $"| {Name} | {fuzz.Answers} | {ReliabilityReport.Bold(fuzz.Faults.Count)} "
                + $"| {ReliabilityReport.Bold(shown)} in {lines} lines | {before:F0} → {after:F0} "
                + $"| {options.BadRequests} in all, seed {seed}"
                + $"{(left > 0 ? $"; **{left} streams stayed open**" : "")} |"
        );
    }

    private static async Task<int> WaitUntilEmptyAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        var left = -1;
        for (var i = 0; i < 60 && (left = await ServerStats.ConnectionsAsync(system, cancellationToken)) > 0; i++)
            await Task.Delay(500, cancellationToken);
        return left;
    }
}
