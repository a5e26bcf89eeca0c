using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Answers beyond <c>Llm:Providers:local:MaxAnswerBytes</c>, as the reader sees them.</summary>
public sealed class LargeAnswerTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    [Fact]
    public async Task An_answer_that_is_too_large_is_cancelled_and_its_readers_are_told()
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync(new string('x', 10_000));
        });
        // A run keeps the text before the limit.
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "local");
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        var error = reader.Events.Last().Json();
        Assert.Equal(("too_large", "error"), (error.Text("reason"), reader.Events.Last().Event));
        Assert.Contains("Llm:Providers:local:MaxAnswerBytes", error.Text("error"), StringComparison.Ordinal);
        var state = await LlmSystem.StateAsync(shared.World.A, id);
        Assert.Equal("failed", state.Text("status"));
        Assert.InRange(state.Text("text")!.Length, 100_000, 200_000);

        // A whole answer is an error.
        using var whole = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(shared.World.A.Url, "/v1/chat/completions"),
            new { model = "local/llama", messages = new[] { new { role = "user", content = prompt } } }
        );
        var body = await whole.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            (HttpStatusCode.BadGateway, "too_large"),
            (whole.StatusCode, body.GetProperty("error").Text("code"))
        );
        Assert.Equal(2, shared.World.Upstream.Attempts(prompt));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "gpt-4o")]
    [InlineData("/v1/chat/completions", "claude-sonnet-4-20250514")]
    [InlineData("/v1/messages", "claude-sonnet-4-20250514")]
    [InlineData("/v1/messages", "gpt-4o")]
    public async Task A_whole_answer_counts_as_memory_of_its_client_until_it_is_sent(string path, string model)
    {
        await using var replica = await shared.World.System.StartReplicaAsync(
            new() { ["Limits__HeldMegabytesPerClient"] = "1" }
        );
        var gone = new TaskCompletionSource();
        var endless = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync(new string('x', 50_000));
            gone.TrySetResult();
        });
        using (var refused = await AskAsync(endless))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Contains(
                "Limits:HeldMegabytesPerClient",
                await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
                StringComparison.Ordinal
            );
        }
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        // Its bytes are given back: an answer of 0.8 MB fits, once and once more.
        var fitting = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            for (var token = 0; token < 4; token++)
                await request.TokenAsync(new string('x', 50_000));
            await request.EndAsync(4);
        });
        for (var time = 0; time < 2; time++)
            using (var whole = await AskAsync(fitting))
                Assert.Equal(HttpStatusCode.OK, whole.StatusCode);

        Task<HttpResponseMessage> AskAsync(string prompt) =>
            LlmSystem.PostAsync(
                replica,
                path,
                new
                {
                    model,
                    max_tokens = 100,
                    messages = new[] { new { role = "user", content = prompt } },
                }
            );
    }
}
