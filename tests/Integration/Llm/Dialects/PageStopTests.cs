using System.Net;
using System.Text;
using System.Text.Json;
using EventStore;
using Harness;
using Integration.Seeds;
using LlmGateway.Generations;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm.Dialects;

/// <summary>Stops of AI SDK's pages while their answer begins.</summary>
public sealed class PageStopTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/api/chat",
        Agent = "/agents/ag-ui";

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
        var threads = ((ServiceHost)B).Services.GetRequiredService<RunThreads>();
        for (var delay = 0; delay < 15; delay++)
        for (var again = 0; again < 3; again++)
        {
            var chat = Guid.NewGuid().ToString();
            using var first = await LlmSystem.PostAsync(A, Path, Json(Body(chat, Upstream.Saying("one"))));
            var started = (await first.TextAsync()).Split('\n')[0];

            using var closed = new CancellationTokenSource(TimeSpan.FromMilliseconds(delay));
            using var content = Json(Body(chat, Upstream.Stopping(null, "two")));
            try
            {
                (await LlmSystem.Http.PostAsync(new Uri(A.Url, Path), content, closed.Token)).Dispose();
            }
            catch (OperationCanceledException) { }

            // The server knows nothing of a request that was closed before it arrived.
            await Eventually.HoldsAsync(
                async () =>
                {
                    var (latest, isRunning) = (await threads.RunsAsync(RunThreads.IdOf(null, "ai-sdk", chat), Stop))[0];
                    return isRunning || started.Contains(latest, StringComparison.Ordinal);
                },
                "the chat's answer has begun"
            );
            (await SeedRequests.SendAsync(A.Url, HttpMethod.Delete, $"{Path}/{chat}/stream")).Dispose();
        }
    }

    /// <summary><c>stop()</c> of a page only closes its connection: the page then asks again.</summary>
    [Theory]
    [InlineData(Path)]
    [InlineData(Agent)]
    public async Task A_new_answer_ends_the_former_one_of_its_chat_or_thread_alone(string path)
    {
        var chat = Guid.NewGuid().ToString();
        var gone = new TaskCompletionSource();
        var former = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("on and on ");
            gone.SetResult();
        });
        await using var other = await BegunAsync(A, path, Guid.NewGuid().ToString(), Upstream.Stopping(null, "other "));
        await using var first = await BegunAsync(A, path, chat, former);
        await using var second = await BegunAsync(B, path, chat, Upstream.Stopping(null, "half "));

        await gone.Task.WaitAsync(TimeSpan.FromMinutes(1), Stop);
        await first.WaitForEndAsync();
        Assert.Contains(first.Events, e => e.Data!.Contains("cancelled", StringComparison.Ordinal));
        foreach (var living in (SseReader[])[other, second])
            Assert.Equal("running", await StatusAsync(living));
    }

    /// <summary>As after a replica that died between the begin of an answer and the cancel of the former one.</summary>
    [Fact]
    public async Task A_stop_ends_all_that_live_in_a_chat()
    {
        var chat = Guid.NewGuid().ToString();
        var threads = ((ServiceHost)A).Services.GetRequiredService<RunThreads>();
        var ids = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            ids.Add(await LlmSystem.GenerateAsync(A, Upstream.Stopping(null, "half "), "openai"));
            var name = new RunName(GenerationName.Kind, ids[i]);
            await threads.AddAsync(RunThreads.IdOf(null, "ai-sdk", chat), name, "me", Stop);
        }

        using var stopped = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"{Path}/{chat}/stream");
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
        foreach (var id in ids)
            Assert.Equal("cancelled", (await LlmSystem.StateAsync(B, id)).Text("status"));
    }

    /// <summary>A page that keeps its messages has the answer, perhaps under another id.</summary>
    [Fact]
    public async Task A_chat_whose_answer_has_ended_has_nothing_to_resume()
    {
        var chat = Guid.NewGuid().ToString();
        using var first = await LlmSystem.PostAsync(A, Path, Json(Body(chat, Upstream.Saying("one"))));
        var start = JsonElement.Parse((await first.TextAsync()).Split('\n')[0]["data: ".Length..]);

        using var latest = await LlmSystem.Http.GetAsync(new Uri(B.Url, $"{Path}/{chat}/stream"), Stop);
        Assert.Equal(HttpStatusCode.NoContent, latest.StatusCode);
        var stream = $"{LlmSystem.Stream(start.Text("messageId")!)}?format=ui-messages";
        await using var again = await SseReader.OpenAsync(B.Url, stream).ToEndAsync();
        Assert.Equal("one", LlmSystem.Text(again.Events, "delta"));
    }

    /// <summary>Opens an answer and waits for its first text.</summary>
    private static async Task<SseReader> BegunAsync(RunningService replica, string path, string chat, string prompt)
    {
        var body = path == Path ? Body(chat, prompt) : Run(chat, prompt);
        var reader = await LlmSystem.OpenAsync(replica, path, JsonElement.Parse(body));
        await reader.WaitAsync(r => r.Events.Any(e => e.Data!.Contains("\"delta\"", StringComparison.Ordinal)));
        return reader;
    }

    private async Task<string?> StatusAsync(SseReader reader)
    {
        var first = reader.Events.First().Json();
        var second = reader.Events.ElementAt(1).Json();
        var id = first.TryGetProperty("messageId", out var chat) ? chat.GetString()! : second.Text("messageId")!;
        return (await LlmSystem.StateAsync(B, id[..32])).Text("status");
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private static string Body(string chat, string prompt) =>
        $$"""
            {"id":"{{chat}}","provider":"openai",
            "messages":[{"role":"user","parts":[{"type":"text","text":"{{prompt}}"}]}]}
            """;

    private static string Run(string thread, string prompt) =>
        $$"""
            {"threadId":"{{thread}}","runId":"{{Guid.NewGuid()}}","forwardedProps":{"provider":"openai"},
            "messages":[{"id":"m1","role":"user","content":"{{prompt}}"}]}
            """;
}
