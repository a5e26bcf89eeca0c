using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AspireSse.Client;
using LoadTests;

namespace Reliability.Failover;

/// <summary>Generations of the demo model that go on during a failover. Their writers live, so none may be
/// interrupted.</summary>
internal sealed class FailoverRuns : IAsyncDisposable
{
    // 40 tokens a second: longer than a failover takes.
    private const int Tokens = 1_600,
        PerReplica = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(30);

    // The model gives the same answer to the same prompt, on each replica and in each row.
    private static readonly ConcurrentDictionary<int, string> Answers = new();

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(10) };
    private readonly List<Uri> _runs = [];

    private FailoverRuns() { }

    public static async Task<FailoverRuns> StartAsync(
        IEnumerable<ServiceReplica> replicas,
        CancellationToken cancellationToken
    )
    {
        var runs = new FailoverRuns();
        foreach (var replica in replicas)
            for (var i = 0; i < PerReplica; i++)
                runs._runs.Add(await runs.StartOneAsync(replica.Url, i, cancellationToken));
        return runs;
    }

    /// <summary>Waits until all have ended. Returns the number of those that did not end by themselves.</summary>
    public async Task<int> InterruptedAsync(CancellationToken cancellationToken)
    {
        var (waited, interrupted) = (Stopwatch.StartNew(), 0);
        foreach (var run in _runs)
        {
            var status = "running";
            while (status == "running" && waited.Elapsed < Limit)
            {
                status = await StatusAsync(run, cancellationToken);
                if (status == "running")
                    await Task.Delay(500, cancellationToken);
            }
            if (status != "done")
                interrupted++;
        }
        return interrupted;
    }

    /// <summary>Returns the number of ended generations whose stream or state does not have the whole answer.</summary>
    public async Task<int> WrongAsync(CancellationToken cancellationToken)
    {
        var wrong = 0;
        for (var i = 0; i < _runs.Count; i++)
        {
            var state = await _http.GetFromJsonAsync<JsonElement>(_runs[i], cancellationToken);
            var text = state.GetProperty("text").GetString() ?? "";
            var answer = Answers.GetOrAdd(i % PerReplica, text);
            if (text != answer || text.Length == 0 || await StreamedAsync(_runs[i], cancellationToken) != text)
                wrong++;
        }
        return wrong;
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Uri> StartOneAsync(Uri replica, int number, CancellationToken cancellationToken)
    {
        using var response = await _http.PostAsJsonAsync(
            new Uri(replica, "/v1/generations"),
            new
            {
                messages = new[] { new { role = "user", content = $"Failover {number}" } },
                provider = "demo",
                maxTokens = Tokens,
            },
            cancellationToken
        );
        if (!response.IsSuccessStatusCode)
            throw new LoadTestException(
                $"POST /v1/generations was answered {(int)response.StatusCode}: "
                    + await response.Content.ReadAsStringAsync(cancellationToken)
            );
        var started = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return new Uri(replica, $"/v1/generations/{started.GetProperty("id").GetString()}");
    }

    /// <summary>Reads a generation's stream from its start to its end.</summary>
    private static async Task<string> StreamedAsync(Uri run, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadLimit);
        using var client = new SseClient();
        var text = new StringBuilder();
        try
        {
            await foreach (var e in client.Open(new SseRequest(new Uri($"{run}/stream"))).WithCancellation(limit.Token))
            {
                if (e.Type == "token")
                    text.Append(JsonDocument.Parse(e.Data).RootElement.GetProperty("text").GetString());
                if (e.Type == "done")
                    break;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }
        return text.ToString();
    }

    private async Task<string> StatusAsync(Uri run, CancellationToken cancellationToken)
    {
        try
        {
            var state = await _http.GetFromJsonAsync<JsonElement>(run, cancellationToken);
            return state.GetProperty("status").GetString() ?? "";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return "running";
        }
    }
}
