using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using LoadTests.Targets;

namespace LoadTests.Llm;

/// <summary>A generation as it was begun.</summary>
internal sealed record BegunGeneration(string Id, string Stream);

/// <summary>A generation as <c>GET /v1/generations/{id}</c> tells it.</summary>
internal sealed record ToldGeneration(string Status, string Text, TokenUsage? Usage);

internal sealed record TokenUsage(long OutputTokens);

/// <summary>Begins generations on a replica of one's choice, and asks any replica how they went.</summary>
internal sealed class GenerationApi(ReplicaSet replicas, string provider, string? model) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60),
        Pause = TimeSpan.FromMilliseconds(500);

    // Only to POST and to ask; the streams have their own.
    private readonly HttpClient _pinned = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly HttpClient _any = replicas.CreateClient();

    /// <summary>The replica that answers to this number now; past the last comes the first again.</summary>
    public Uri Replica(int number)
    {
        var all = replicas.Replicas;
        return all[number % all.Count].Address;
    }

    /// <param name="replica">Which.</param>
    /// <param name="prompt">The user's message.</param>
    /// <param name="maxTokens">The longest answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<BegunGeneration> BeginAsync(
        Uri replica,
        string prompt,
        int maxTokens,
        CancellationToken cancellationToken
    )
    {
        var request = new
        {
            messages = new[] { new { role = "user", content = prompt } },
            provider,
            model,
            maxTokens,
        };
        using var response = await _pinned.PostAsJsonAsync(
            new Uri(replica, "/v1/generations"),
            request,
            JsonSerializerOptions.Web,
            cancellationToken
        );
        if (!response.IsSuccessStatusCode)
            throw new LoadTestException(
                $"POST /v1/generations: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellationToken)}"
            );
        return await ReadAsync<BegunGeneration>(response, cancellationToken);
    }

    /// <summary>Asks again for a while where nobody can answer: what broke under a generation is there again soon, and
    /// its text is to be judged.</summary>
    public async Task<ToldGeneration> AskAsync(string id, CancellationToken cancellationToken)
    {
        for (var began = Stopwatch.GetTimestamp(); ; await Task.Delay(Pause, cancellationToken))
        {
            try
            {
                using var response = await _any.GetAsync(
                    new Uri($"/v1/generations/{id}", UriKind.Relative),
                    cancellationToken
                );
                return await ReadAsync<ToldGeneration>(response.EnsureSuccessStatusCode(), cancellationToken);
            }
            catch (Exception e)
                when (e is HttpRequestException or IOException && Stopwatch.GetElapsedTime(began) < Patience) { }
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken) =>
        await response.Content.ReadFromJsonAsync<T>(JsonSerializerOptions.Web, cancellationToken)
        ?? throw new LoadTestException("The server answered null.");

    public void Dispose()
    {
        _pinned.Dispose();
        _any.Dispose();
    }
}
