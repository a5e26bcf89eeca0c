using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using AspireSse.Client;
using LoadTests.Llm;
using LoadTests.Targets;

namespace Reliability.Load;

/// <summary>Generations of the demo model that go on while the system changes. Their writers live, so none may be
/// interrupted.</summary>
internal sealed class SteadyGenerations(ReplicaSet replicas) : IDisposable
{
    // 40 tokens a second: longer than a failover takes, or the replacement of a replica.
    private const int Tokens = 1_600,
        Runs = 6;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(30);

    // The model gives the same answer to the same prompt, on each replica and in each row.
    private static readonly ConcurrentDictionary<string, string> Answers = new();

    private readonly GenerationCalls _api = new(replicas, "demo", model: null);
    private readonly List<(string Prompt, StartedGeneration Run)> _runs = [];

    /// <summary>Starts generations on the replicas in turn.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (var i = 0; i < Runs; i++)
        {
            var prompt = $"Steady {i / 2}";
            _runs.Add((prompt, await _api.StartAsync(_api.Replica(i), prompt, Tokens, cancellationToken)));
        }
    }

    /// <summary>Waits until all have ended. Returns the number of those that did not end by themselves, and of those
    /// whose stream or state does not have the whole answer.</summary>
    public async Task<(int Interrupted, int Wrong)> EndAsync(CancellationToken cancellationToken)
    {
        var interrupted = 0;
        var wrong = 0;

        var waited = Stopwatch.StartNew();
        foreach (var (prompt, run) in _runs)
        {
            var state = await _api.GetAsync(run.Id, cancellationToken);
            for (; state.Status == "running" && waited.Elapsed < Limit; await Task.Delay(500, cancellationToken))
                state = await _api.GetAsync(run.Id, cancellationToken);
            if (state.Status != "done")
                interrupted++;

            var answer = Answers.GetOrAdd(prompt, state.Text);
            if (state.Text.Length == 0 || state.Text != answer || await ReadAsync(run, cancellationToken) != answer)
                wrong++;
        }

        return (interrupted, wrong);
    }

    public void Dispose() => _api.Dispose();

    /// <summary>Reads a generation's stream from its start to its end.</summary>
    private async Task<string> ReadAsync(StartedGeneration run, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadLimit);
        using var client = new SseClient();

        var text = new StringBuilder();
        try
        {
            var request = new SseRequest(new Uri(_api.Replica(0), run.Stream));
            await foreach (var received in client.Open(request).WithCancellation(limit.Token))
            {
                if (received.Type == "token")
                    text.Append(JsonDocument.Parse(received.Data).RootElement.GetProperty("text").GetString());
                if (received.Type == "done")
                    break;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }

        return text.ToString();
    }
}
