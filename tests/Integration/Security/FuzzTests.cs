using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Integration.Delivery;
using Stack;

namespace Integration.Security;

/// <summary>
/// Requests made at random from what the server's own OpenAPI document says, right ones, nearly right ones and garbage: none is a fault of
/// the server's, none is kept, and no secret comes into a log. FUZZ_REQUESTS=100000 for the long run, FUZZ_SEED to repeat one.
/// </summary>
public sealed class FuzzTests(StackFixture stack)
{
    private const int Workers = 8, MaxMegabytes = 900;

    [Fact]
    public async Task No_request_is_a_fault_of_the_servers_or_stays_in_its_memory_or_shows_a_secret_in_its_log()
    {
        var requests = Setting("FUZZ_REQUESTS", 3_000);
        var seed = Setting("FUZZ_SEED", Random.Shared.Next());
        await using var system = await DeliverySystem.StartAsync(stack, settings: new(SecureSystem.Settings)
        {
            ["Limits__GenerationsPerMinute"] = "1000000", ["Limits__NewStreamsPerMinute"] = "1000000", ["Limits__ResumesPerMinute"] = "1000000", ["Limits__PublishesPerSecond"] = "1000000",
            ["Streaming__MaxConnectionsPerClient"] = "0", ["Llm__Providers__Demo__TokensPerSecond"] = "0", ["Petstore__ScoringMilliseconds"] = "1",
            // As talkative as an operator may make it.
            ["Logging__LogLevel__Default"] = "Information", ["Logging__LogLevel__Microsoft.AspNetCore"] = "Information",
        }, apiKey: SecureSystem.OperatorKey);
        var server = system.Replicas[0];
        var document = await SecureSystem.JsonAsync(server.Url, HttpMethod.Get, "/openapi/v1.json", key: SecureSystem.OperatorKey);
        var ticket = (await SecureSystem.JsonAsync(server.Url, HttpMethod.Post, "/v1/stream-tickets", key: SecureSystem.OperatorKey, body: new { topics = new[] { ">" } })).GetProperty("ticket").GetString()!;
        var token = Tokens.Of("fuzz", [">"], [">"]);
        string[] secrets = [SecureSystem.OperatorKey, ticket, token, token.Split('.')[2]];
        var (shown, faults, statuses) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>(), new ConcurrentDictionary<int, int>());
        server.Printed += line => { if (secrets.Any(s => line.Contains(s, StringComparison.Ordinal))) shown.Enqueue(line); };

        await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromSeconds(60), MaxResponseContentBufferSize = 1 << 24 };
            var fuzz = new FuzzedRequests(document, new Random(seed + worker), SecureSystem.OperatorKey, token, ticket);
            for (var i = worker; i < requests; i += Workers)
            {
                var (request, text) = fuzz.Next(server.Url);
                using var _ = request;
                try
                {
                    using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                    statuses.AddOrUpdate((int)response.StatusCode, 1, (_, n) => n + 1);
                    var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
                    var body = isStream ? "" : await response.Content.ReadAsStringAsync();
                    // 503 is an answer, where it says when to come back; 501 is the protocol's.
                    if ((int)response.StatusCode >= 500 && !(response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null)) faults.Enqueue($"{(int)response.StatusCode} {text}\n{body[..Math.Min(body.Length, 600)]}");
                    if (body.Contains(SecureSystem.OperatorKey, StringComparison.Ordinal)) faults.Enqueue($"shows a key: {text}");
                }
                // Cut off where it sent more than was wanted, and garbage that the client itself refuses.
                catch (HttpRequestException) { statuses.AddOrUpdate(0, 1, (_, n) => n + 1); }
            }
        }));

        var story = $"seed {seed}: {string.Join(", ", statuses.OrderBy(s => s.Key).Select(s => $"{s.Key}: {s.Value}"))}";
        TestContext.Current.SendDiagnosticMessage(story);
        Assert.True(faults.IsEmpty, $"{story}\n{string.Join("\n\n", faults.Take(10))}");
        Assert.True(shown.IsEmpty, $"{story}\n{string.Join('\n', shown.Take(5))}");
        Assert.Equal(HttpStatusCode.OK, await SecureSystem.StatusAsync(server.Url, HttpMethod.Get, "/health"));
        // Most requests were understood well enough to be refused for a reason, or were right.
        Assert.True(statuses.GetValueOrDefault(0) < requests / 20 && statuses.Where(s => s.Key is >= 200 and < 300).Sum(s => s.Value) > requests / 50, story);
        if (OperatingSystem.IsLinux()) Assert.InRange(Megabytes(server.Id), 1, MaxMegabytes);
        await DeliverySystem.EventuallyAsync(async () => (await SecureSystem.JsonAsync(server.Url, HttpMethod.Get, "/v1/connections", key: SecureSystem.OperatorKey)).GetProperty("connections").GetArrayLength() == 0, "every stream that was left is gone");
    }

    private static int Setting(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private static long Megabytes(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1_024;
}
