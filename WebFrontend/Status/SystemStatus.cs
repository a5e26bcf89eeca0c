using System.Net.Http.Json;
using System.Text.Json;
using ServiceDefaults.Http;
using WebFrontend.StreamApi;

namespace WebFrontend.Status;

/// <summary>Asks StreamApi and the Broadcaster. What does not answer in time is left out, never waited for.</summary>
internal sealed class SystemStatus(HttpClient http, IConfiguration configuration, StreamApiAddress streamApi)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string StreamApi = "services:streamapi:http:0",
        Broadcaster = "services:broadcaster:http:0";

    /// <summary>All replicas, each with what it says of itself; null where none answers. Where the address that they
    /// share leads to a dead one, those that are known are asked.</summary>
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
                        ? WithItsOwnAsync(r, known.LastSecond(r.Name), cancellationToken)
                        : Task.FromResult(r)
                )
            );

        Task<ReplicaStatus[]?> ListAsync(string address) =>
            AskAsync<ReplicaStatus[]>($"{address}/v1/replicas?lost=true", cancellationToken, ApiKey);
    }

    /// <summary>One of the Broadcasters: whichever the address behind which they stand gives.</summary>
    public async Task<BroadcasterStatus?> BroadcasterAsync(CancellationToken cancellationToken) =>
        configuration[Broadcaster] is null
            ? null
            : await AskAsync<BroadcasterStatus>("http://broadcaster/status", cancellationToken);

    private string? ApiKey => configuration["StreamApi:ApiKey"];

    private async Task<ReplicaStatus> WithItsOwnAsync(
        ReplicaStatus replica,
        long second,
        CancellationToken cancellationToken
    )
    {
        var (health, figures) = (
            AskAsync<Health>($"{replica.Url}/health", cancellationToken),
            AskAsync<JsonElement[]>($"{replica.Url}/v1/replicas/figures?after={second}", cancellationToken, ApiKey)
        );
        return replica with { Health = await health, Figures = await figures ?? [] };
    }

    private async Task<T?> AskAsync<T>(string address, CancellationToken cancellationToken, string? apiKey = null)
        where T : class
    {
        // Asked once, and not held against the others: what is down must not open the circuit for what is up.
        using var request = new HttpRequestMessage(HttpMethod.Get, address).AsStream();
        // A kept connection would reach the same replica again and again.
        request.Headers.ConnectionClose = true;
        if (apiKey is { Length: > 0 })
            request.Headers.Add("X-Api-Key", apiKey);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken);
            // An unhealthy replica answers 503, and says what is wrong all the same.
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
