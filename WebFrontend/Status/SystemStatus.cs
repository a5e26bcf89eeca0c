using System.Text.Json;
using ServiceDefaults.Http;

namespace WebFrontend.Status;

/// <summary>
/// Reads the status of StreamApi and the Broadcaster. Leaves out services that do not answer in time.
/// </summary>
internal sealed class SystemStatus(HttpClient http, IConfiguration configuration, StreamApiAddress streamApi)
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private const string StreamApi = "services:streamapi:http:0";
    private const string Broadcaster = "services:broadcaster:http:0";

    /// <summary>
    /// Returns all replicas with their own health and stats, or null if none answers. If the shared address leads to a
    /// dead replica, asks the known ones.
    /// </summary>
    public async Task<IReadOnlyList<ReplicaStatus>?> ReplicasAsync(
        KnownReplicas known,
        CancellationToken cancellationToken
    )
    {
        var replicas =
            await ListAsync(configuration[StreamApi] is null ? streamApi.Origin : "http://streamapi")
            ?? (await Task.WhenAll(known.All.Where(r => !r.Lost).Select(r => ListAsync(r.Url)))).FirstOrDefault(
                answer => answer is not null
            );

        return replicas is null
            ? null
            : await Task.WhenAll(
                replicas.Select(r =>
                    r.SeenAt is null
                        ? AddDetailsAsync(r, known.LastSecond(r.Name), cancellationToken)
                        : Task.FromResult(r)
                )
            );

        Task<ReplicaStatus[]?> ListAsync(string address) =>
            GetAsync<ReplicaStatus[]>($"{address}/v1/replicas?lost=true", cancellationToken, ApiKey);
    }

    /// <summary>Returns one of the Broadcasters: the one that answers at their shared address.</summary>
    public async Task<BroadcasterStatus?> BroadcasterAsync(CancellationToken cancellationToken) =>
        configuration[Broadcaster] is null
            ? null
            : await GetAsync<BroadcasterStatus>("http://broadcaster/status", cancellationToken);

    private string? ApiKey => configuration["StreamApi:ApiKey"];

    private async Task<ReplicaStatus> AddDetailsAsync(
        ReplicaStatus replica,
        long second,
        CancellationToken cancellationToken
    )
    {
        var health = GetAsync<Health>($"{replica.Url}/health", cancellationToken);
        var stats = GetAsync<JsonElement[]>(
            $"{replica.Url}/v1/replicas/stats?after={second}",
            cancellationToken,
            ApiKey
        );

        return replica with
        {
            Health = await health,
            Stats = await stats ?? [],
        };
    }

    private async Task<T?> GetAsync<T>(string address, CancellationToken cancellationToken, string? apiKey = null)
        where T : class
    {
        // No retries and no circuit breaker: a dead service must not open the circuit for a live one.
        using var request = new HttpRequestMessage(HttpMethod.Get, address).AsStream();
        // A pooled connection would reach the same replica every time.
        request.Headers.ConnectionClose = true;

        if (apiKey is { Length: > 0 })
            request.Headers.Add("X-Api-Key", apiKey);

        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            // An unhealthy replica answers 503 with the same body.
            return response.Content.Headers.ContentType?.MediaType == "application/json"
                ? await response.Content.ReadFromJsonAsync<T>(cancellationToken)
                : null;
        }
        catch (Exception e)
            when (e is HttpRequestException or JsonException or TimeoutException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return null;
        }
    }
}
