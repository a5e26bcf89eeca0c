using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace WebFrontend.Patterns;

/// <summary>Reads <c>/sse/backpressure-chat</c> at <see cref="PerSecond"/> chunks a second.</summary>
internal sealed class PacedReader(string id, Uri replica, TimeProvider clock)
{
    private const int Tokens = 4_000; // the longest answer of the built-in model, about 100 s

    private static readonly HttpMessageInvoker Http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            ConnectCallback = SmallWindowStream.ConnectAsync,
            PooledConnectionLifetime = TimeSpan.Zero,
        }
    );

    private static readonly string Question = JsonSerializer.Serialize(
        new
        {
            provider = "demo",
            max_tokens = Tokens,
            messages = new[]
            {
                new { role = "user", content = "Tell me at length what happens to a stream when its reader is slow." },
            },
        }
    );

    public string Id => id;

    public int PerSecond { get; set; }

    /// <summary>Sends the question and returns the response with its body still unread.</summary>
    /// <param name="credential">The signed-in visitor's credential, or null without sign-in.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="HttpRequestException">StreamApi does not answer.</exception>
    public async Task<HttpResponseMessage> ConnectAsync(string? credential, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica, "/sse/backpressure-chat"))
        {
            Content = new StringContent(Question, new MediaTypeHeaderValue("application/json")),
        };

        if (credential is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);

        return await Http.SendAsync(request, cancellationToken);
    }

    /// <summary>Yields each chunk when it has been read, then <c>end</c>, or <c>error</c> if the answer is not
    /// complete.</summary>
    public async IAsyncEnumerable<SseItem<object>> ReadAsync(
        HttpResponseMessage response,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        yield return new SseItem<object>(new { id }, "reader");
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var read = 0;
        var due = clock.GetUtcNow();

        await foreach (var chunk in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            if (chunk.Data is "[DONE]")
            {
                yield return new SseItem<object>(new { read }, "end");
                yield break;
            }

            if (chunk.EventType == "error")
            {
                yield return new SseItem<object>(JsonSerializer.Deserialize<JsonElement>(chunk.Data), "error");
                yield break;
            }

            yield return new SseItem<object>(
                new { read = ++read, chunk = JsonSerializer.Deserialize<JsonElement>(chunk.Data) },
                "chunk"
            );

            var now = clock.GetUtcNow();
            due += TimeSpan.FromSeconds(1.0 / PerSecond);
            if (due > now)
                await Task.Delay(due - now, clock, cancellationToken);
            else
                due = now; // no burst after a delay
        }

        yield return new SseItem<object>(new { error = "The stream ended before the answer." }, "error");
    }
}
