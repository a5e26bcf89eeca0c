using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Reliability.Citizens;

/// <summary>Sends the requests of citizens to one replica.</summary>
internal sealed class CitizenClient(Uri replica) : IDisposable
{
    private readonly HttpClient _http = new(
        new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan }
    )
    {
        BaseAddress = replica,
        Timeout = TimeSpan.FromMinutes(2),
    };

    public void Dispose() => _http.Dispose();

    /// <summary>Buys a ticket with the API key.</summary>
    public async Task<string> TicketAsync(string topic, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/stream-tickets")
        {
            Content = JsonContent.Create(new { topics = new[] { topic } }),
            Headers = { { "X-Api-Key", SystemSettings.Key } },
        };
        using var answer = await _http.SendAsync(request, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);

        return answer.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement.GetProperty("ticket").GetString()!
            : throw new HttpRequestException($"{(int)answer.StatusCode}: {text}", null, answer.StatusCode);
    }

    /// <summary>Opens a stream.</summary>
    /// <returns>The stream, to be disposed of; or the refusal.</returns>
    public async Task<(HttpResponseMessage? Stream, string? Refused)> OpenAsync(
        string query,
        string? token,
        CancellationToken cancellationToken
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/events/stream?{query}");

        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);

        var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (answer.IsSuccessStatusCode)
            return (answer, null);

        using (answer)
            return (null, await RefusalOf(answer, cancellationToken));
    }

    /// <summary>Posts a body.</summary>
    /// <returns>Null, or the refusal.</returns>
    public async Task<string?> PostAsync(
        string path,
        string token,
        string body,
        CancellationToken cancellationToken,
        string type = "application/json"
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, type),
            Headers = { Authorization = new("Bearer", token) },
        };
        try
        {
            using var answer = await _http.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                cancellationToken
            );
            return answer.IsSuccessStatusCode ? null : await RefusalOf(answer, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
    }

    private static async Task<string> RefusalOf(HttpResponseMessage answer, CancellationToken cancellationToken) =>
        $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}";
}
