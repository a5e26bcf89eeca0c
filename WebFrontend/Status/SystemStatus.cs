using System.Net.Http.Json;
using System.Text.Json;
using WebFrontend.StreamApi;

namespace WebFrontend.Status;

/// <summary>Asks StreamApi and the Broadcaster. What does not answer in time is left out, never waited for.</summary>
internal sealed class SystemStatus(HttpClient http, IConfiguration configuration, StreamApiAddress streamApi)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const string StreamApi = "services:streamapi:http:0", Broadcaster = "services:broadcaster:http:0";

    public async Task<IReadOnlyList<ReplicaStatus>?> ReplicasAsync(CancellationToken cancellationToken)
    {
        var address = configuration[StreamApi] is null ? streamApi.Origin : "http://streamapi";
        if (await AskAsync<ReplicaStatus[]>($"{address}/v1/replicas", cancellationToken, configuration["StreamApi:ApiKey"]) is not { } replicas) return null;
        return await Task.WhenAll(replicas.Select(async r => r with { Health = await AskAsync<Health>($"{r.Url}/health", cancellationToken) }));
    }

    /// <summary>One of the Broadcasters: whichever the address behind which they stand gives.</summary>
    public async Task<BroadcasterStatus?> BroadcasterAsync(CancellationToken cancellationToken) =>
        configuration[Broadcaster] is null ? null : await AskAsync<BroadcasterStatus>("http://broadcaster/status", cancellationToken);

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
