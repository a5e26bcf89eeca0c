using System.Collections.Concurrent;
using System.Globalization;
using Harness;

namespace Integration.Security;

/// <summary>Sends random requests derived from the server's OpenAPI document: valid, nearly valid and garbage. None
/// may cause a server error or stay open, and no secret may appear in a log. tests/Reliability sends 100,000;
/// FUZZ_REQUESTS sets another number, FUZZ_SEED repeats a run.</summary>
public sealed class FuzzTests
{
    /// <summary>Growth of the server's memory from the first tenth of the requests to the end of all.</summary>
    private const int MaxGrownMegabytes = 150;

    [Fact]
    public async Task No_request_causes_a_5xx_leaks_memory_or_logs_a_secret()
    {
        var requests = Setting("FUZZ_REQUESTS", 3_000);
        var seed = Setting("FUZZ_SEED", Random.Shared.Next());
        await using var system = await World.Start(o =>
            o.Set(SecureSystem.Settings)
                .Set("AspireSse:Llm:GenerationsPerMinute", 1000000)
                .Set("Limits:NewStreamsPerMinute", 1000000)
                .Set("Limits:PublishesPerSecond", 1000000)
                .Set("Limits:PublishKilobytesPerSecond", 1000000)
                .Set("Limits:RequestsPerSecond", 1000000)
                .Set("Limits:ReadPercent", 1000000)
                .Set("AspireSse:Streaming:MaxConnectionsPerClient", 0)
                .Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", 0)
                .Set("Petstore:ScoringMilliseconds", 1)
                // The most detailed log that an operator may set.
                .Set("Logging:LogLevel:Default", "Information")
                .Set("Logging:LogLevel:Microsoft.AspNetCore", "Information")
                .ApiKey(SecureSystem.OperatorKey)
                .Replicas(0)
        );
        // In a process of its own, whose memory is measured.
        var server = await system.StartReplicaAsync(asProcess: true);
        var document = await server.Url.JsonAsync("GET /openapi/v1.json", SecureSystem.OperatorKey);
        var ticket = await server.Url.TicketAsync(SecureSystem.OperatorKey, ">");
        var fuzz = new FuzzRun(server.Url, document, SecureSystem.OperatorKey, Tokens.Of("fuzz", [">"], [">"]), ticket);
        var shown = new ConcurrentQueue<string>();

        server.Printed += line =>
        {
            if (fuzz.Secrets.Any(s => line.Contains(s, StringComparison.Ordinal)))
                shown.Enqueue(line);
        };

        // The first requests compile the code, which the others then share.
        await fuzz.RunAsync(requests / 10, seed, TestContext.Current.CancellationToken);
        var before = server.Process.Megabytes();
        await fuzz.RunAsync(requests, seed + 1, TestContext.Current.CancellationToken);

        var story = $"seed {seed}: {fuzz.Answers}";
        TestContext.Current.SendDiagnosticMessage(story);
        Assert.True(fuzz.Faults.IsEmpty, $"{story}\n{string.Join("\n\n", fuzz.Faults.Take(10))}");
        Assert.True(shown.IsEmpty, $"{story}\n{string.Join('\n', shown.Take(5))}");
        await server.Url.ExpectAsync(200, "GET /health");
        Assert.True(fuzz.IsTelling, story);
        await Eventually.HoldsAsync(
            async () =>
                (await server.Url.JsonAsync("GET /v1/connections", SecureSystem.OperatorKey))
                    .GetProperty("connections")
                    .GetArrayLength() == 0,
            "every stream that was left is gone"
        );

        if (!OperatingSystem.IsLinux())
            return;

        await Eventually.HoldsAsync(
            () => server.Process.Megabytes() <= before + MaxGrownMegabytes,
            $"memory is back at {before} MB and at most {MaxGrownMegabytes} more"
        );
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value)
            ? value
            : otherwise;
}
