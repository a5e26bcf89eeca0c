using System.Net.Http.Json;
using System.Text.Json;
using WebFrontend.StreamApi;

namespace WebFrontend.Status;

/// <summary>Asks StreamApi and the Broadcaster. What does not answer in time is left out, never waited for.</summary>
internal sealed class SystemStatus(HttpClient http, IConfiguration configuration, StreamApiAddress streamApi)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string StreamApi = "services:streamapi:http:0", Broadcaster = "services:broadcaster:http:0";

    /// <summary>All replicas, each with what it says of itself; null where none answers. Where the address that they share leads to a dead one, those that are known are asked.</summary>
    public async Task<IReadOnlyList<ReplicaStatus>?> ReplicasAsync(KnownReplicas known, CancellationToken cancellationToken)
    {
        var shared = configuration[StreamApi] is null ? streamApi.Origin : "http://streamapi";
        foreach (var address in known.All.Where(r => !r.Lost).Select(r => r.Url).Prepend(shared))
            if (await AskAsync<ReplicaStatus[]>($"{address}/v1/replicas?lost=true", cancellationToken, ApiKey) is { } replicas)
                return await Task.WhenAll(replicas.Select(r => r.SeenAt is null ? WithItsOwnAsync(r, known.LastSecond(r.Name), cancellationToken) : Task.FromResult(r)));
        return null;
    }

    /// <summary>One of the Broadcasters: whichever the address behind which they stand gives.</summary>
    public async Task<BroadcasterStatus?> BroadcasterAsync(CancellationToken cancellationToken) =>
        configuration[Broadcaster] is null ? null : await AskAsync<BroadcasterStatus>("http://broadcaster/status", cancellationToken);

    private string? ApiKey => configuration["StreamApi:ApiKey"];

    private async Task<ReplicaStatus> WithItsOwnAsync(ReplicaStatus replica, long second, CancellationToken cancellationToken)
    {
        var (health, figures) = (AskAsync<Health>($"{replica.Url}/health", cancellationToken), AskAsync<JsonElement[]>($"{replica.Url}/v1/replicas/figures?after={second}", cancellationToken, ApiKey));
        return replica with { Health = await health, Figures = await figures ?? [] };
    }

    private async Task<T?> AskAsync<T>(string address, CancellationToken cancellationToken, string? apiKey = null) where T : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        // A kept connection would reach the same replica again and again.
        request.Headers.ConnectionClose = true;
        if (apiKey is { Length: > 0 }) request.Headers.Add("X-Api-Key", apiKey);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            // An unhealthy replica answers 503, and says what is wrong all the same.
            return response.Content.Headers.ContentType?.MediaType == "application/json" ? await response.Content.ReadFromJsonAsync<T>(cancellationToken) : null;
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
