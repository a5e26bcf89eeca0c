using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Integration.Delivery;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Answers beyond <c>Llm:Providers:local:MaxAnswerBytes</c>, as the reader sees them.</summary>
[Collection(LlmSystem.Collection)]
public sealed class LargeAnswerTests(LlmSystem system)
{
    [Fact]
    public async Task An_answer_that_is_too_large_is_cancelled_and_its_readers_are_told()
    {
        var prompt = system.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync(new string('x', 10_000));
        });
        // A run keeps the text before the limit.
        var id = await LlmSystem.GenerateAsync(system.A, prompt, "local");
        await using var reader = await SseReader.OpenAsync(system.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        var error = reader.Events.Last().Json();
        Assert.Equal(("too_large", "error"), (error.Text("reason"), reader.Events.Last().Event));
        Assert.Contains("Llm:Providers:local:MaxAnswerBytes", error.Text("error"), StringComparison.Ordinal);
        var state = await LlmSystem.StateAsync(system.A, id);
        Assert.Equal("failed", state.Text("status"));
        Assert.InRange(state.Text("text")!.Length, 100_000, 200_000);

        // A whole answer is an error.
        using var whole = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(system.A.Url, "/v1/chat/completions"),
            new { model = "local/llama", messages = new[] { new { role = "user", content = prompt } } }
        );
        var body = await whole.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            (HttpStatusCode.BadGateway, "too_large"),
            (whole.StatusCode, body.GetProperty("error").Text("code"))
        );
        Assert.Equal(2, system.Upstream.Attempts(prompt));
    }
}
