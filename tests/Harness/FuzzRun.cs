using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;

namespace Harness;

/// <summary>Random requests derived from the server's OpenAPI document, and the faults that they found.</summary>
internal sealed class FuzzRun(Uri server, JsonElement document, string key, string token, string ticket)
{
    private const int Workers = 8;
    private readonly ConcurrentDictionary<int, int> _statuses = new();

    /// <summary>Texts that must not appear in an answer or a log.</summary>
    public string[] Secrets { get; } = [key, ticket, token, token.Split('.')[2]];

    /// <summary>The server's faults, each with the request that found it.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    public string Answers =>
        string.Join(", ", _statuses.OrderBy(s => s.Key).Select(s => $"{(s.Key == 0 ? "none" : s.Key)} × {s.Value}"));

    /// <summary>True if most requests were answered and enough of them were valid, so that the run says something about
    /// the server.</summary>
    public bool IsTelling =>
        _statuses.GetValueOrDefault(0) < _statuses.Values.Sum() / 20
        && _statuses.Where(s => s.Key is >= 200 and < 300).Sum(s => s.Value) > _statuses.Values.Sum() / 50;

    public Task RunAsync(int requests, int seed, CancellationToken cancellationToken) =>
        Task.WhenAll(
            Enumerable
                .Range(0, Workers)
                .Select(async worker =>
                {
                    using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false })
                    {
                        Timeout = TimeSpan.FromSeconds(60),
                        MaxResponseContentBufferSize = 1 << 24,
                    };
                    var fuzz = new FuzzedRequests(document, new Random(seed + worker), key, token, ticket);

                    for (var i = worker; i < requests; i += Workers)
                    {
                        cancellationToken.ThrowIfCancellationRequested();

                        var (request, text) = fuzz.Next(server);
                        using (request)
                        {
                            // The connection was cut because the request was too large, or the client itself refuses
                            // such garbage.
                            try
                            {
                                await AskAsync(http, request, text);
                            }
                            catch (HttpRequestException)
                            {
                                Count(0);
                            }
                        }
                    }
                })
        );

    private async Task AskAsync(HttpClient http, HttpRequestMessage request, string text)
    {
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Count((int)response.StatusCode);
        var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        var body = isStream ? "" : await response.Content.ReadAsStringAsync();

        // 503 with Retry-After is allowed.
        if (
            (int)response.StatusCode >= 500
            && !(response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null)
        )
            Faults.Enqueue($"{(int)response.StatusCode} {text}\n{body[..Math.Min(body.Length, 600)]}");

        if (body.Contains(key, StringComparison.Ordinal))
            Faults.Enqueue($"shows a key: {text}");
    }

    private void Count(int status) => _statuses.AddOrUpdate(status, 1, (_, n) => n + 1);
}
