using System.Net;
using System.Text;
using EventStore;
using Integration.Seeds;
using LlmGateway.Generations;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm.Dialects;

/// <summary>Stops of AI SDK's pages while their answer begins.</summary>
public sealed class PageStopTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/api/chat";

    /// <summary>The request has named its run, and begins it only after the page's <c>DELETE</c>.</summary>
    [Fact]
    public async Task An_answer_that_begins_after_its_stop_is_cancelled()
    {
        var chat = Guid.NewGuid().ToString();
        var key = Guid.NewGuid().ToString();
        var body = Body(chat, Upstream.Stopping(null, "half"));
        var services = ((ServiceHost)A).Services;
        var id = Guid.CreateVersion7().ToString("N");
        await services.GetRequiredService<RequestKeyStore>().ClaimAsync("", key, $"POST {Path}\n{body}", id, Stop);
        await services
            .GetRequiredService<RunThreads>()
            .AddAsync(RunThreads.IdOf(null, "ai-sdk", chat), new RunName(GenerationName.Kind, id), "me", Stop);

        using var stopped = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"{Path}/{chat}/stream");
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);

        using var answer = await LlmSystem.PostAsync(A, Path, Json(body), ("Idempotency-Key", key));
        Assert.Contains("""{"type":"abort""", await answer.TextAsync(), StringComparison.Ordinal);
        Assert.Equal("cancelled", (await LlmSystem.StateAsync(B, id)).Text("status"));
    }

    /// <summary>A chat must not name an answer that never begins: its page would have none after a reload.</summary>
    [Fact]
    public async Task A_chat_has_an_answer_after_a_page_was_closed_while_the_next_one_began()
    {
        for (var delay = 0; delay < 15; delay++)
        for (var again = 0; again < 3; again++)
        {
            var chat = Guid.NewGuid().ToString();
            using var first = await LlmSystem.PostAsync(A, Path, Json(Body(chat, Upstream.Saying("one"))));
            await first.TextAsync();

            using var closed = new CancellationTokenSource(TimeSpan.FromMilliseconds(delay));
            using var content = Json(Body(chat, Upstream.Saying("two")));
            try
            {
                (await LlmSystem.Http.PostAsync(new Uri(A.Url, Path), content, closed.Token)).Dispose();
            }
            catch (OperationCanceledException) { }

            await Eventually.HoldsAsync(
                async () =>
                {
                    var url = new Uri(B.Url, $"{Path}/{chat}/stream");
                    using var latest = await LlmSystem.Http.GetAsync(url, Stop);
                    return latest.StatusCode == HttpStatusCode.OK;
                },
                "the chat has an answer"
            );
        }
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static string Body(string chat, string prompt) =>
        $$"""
            {"id":"{{chat}}","provider":"openai",
            "messages":[{"role":"user","parts":[{"type":"text","text":"{{prompt}}"}]}]}
            """;
}
