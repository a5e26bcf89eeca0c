using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using LoadTests.Targets;

namespace LoadTests.Llm;

/// <summary>The response to POST /v1/generations.</summary>
internal sealed record StartedGeneration(string Id, string Stream);

/// <summary>A generation as <c>GET /v1/generations/{id}</c> reports it.</summary>
internal sealed record GenerationAnswer(string Status, string Text, TokenUsage? Usage);

internal sealed record TokenUsage(long OutputTokens);

/// <summary>Starts generations on a chosen replica and reads their state from any replica.</summary>
internal sealed class GenerationCalls(ReplicaSet replicas, string provider, string? model) : IDisposable
{
    private static readonly TimeSpan RetryTimeout = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    // For POST and GET only; the streams have their own client.
    private readonly HttpClient _pinned = new(new SocketsHttpHandler { UseProxy = false })
    {
        Timeout = TimeSpan.FromSeconds(30),
    };
    private readonly HttpClient _any = replicas.CreateClient();

    /// <summary>Returns the replica with this number, modulo the current number of replicas.</summary>
    public Uri Replica(int number)
    {
        var all = replicas.Replicas;
        return all[number % all.Count].Address;
    }

    /// <param name="replica">The address of the replica.</param>
    /// <param name="prompt">The user's message.</param>
    /// <param name="maxTokens">The maximum length of the answer.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <param name="tools">The functions that the model may call, or null if there is none.</param>
    public async Task<StartedGeneration> StartAsync(
        Uri replica,
        string prompt,
        int maxTokens,
        CancellationToken cancellationToken,
        object? tools = null
    )
    {
        var request = new
        {
            messages = new[] { new { role = "user", content = prompt } },
            provider,
            model,
            maxTokens,
            tools,
        };

        using var response = await _pinned.PostAsJsonAsync(
            new Uri(replica, "/v1/generations"),
            request,
            JsonSerializerOptions.Web,
            cancellationToken
        );
        if (!response.IsSuccessStatusCode)
            throw new LoadTestException(
                $"POST /v1/generations returned {(int)response.StatusCode}: "
                    + await response.Content.ReadAsStringAsync(cancellationToken)
            );

        return await ReadAsync<StartedGeneration>(response, cancellationToken);
    }

    /// <summary>Reads a generation's state and retries for a while: after a
    /// fault the system is back soon, and the text must be checked.</summary>
    public async Task<GenerationAnswer> GetAsync(string id, CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.GetTimestamp(); ; await Task.Delay(RetryDelay, cancellationToken))
        {
            try
            {
                using var response = await _any.GetAsync(
                    new Uri($"/v1/generations/{id}", UriKind.Relative),
                    cancellationToken
                );
                return await ReadAsync<GenerationAnswer>(response.EnsureSuccessStatusCode(), cancellationToken);
            }
            catch (Exception e)
                when (e is HttpRequestException or IOException && Stopwatch.GetElapsedTime(began) < RetryTimeout) { }
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web, cancellationToken)
        ?? throw new LoadTestException("The server answered null instead of a generation.");

    public void Dispose()
    {
        _pinned.Dispose();
        _any.Dispose();
    }
}
