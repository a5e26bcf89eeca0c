namespace Integration.Llm;

/// <summary>The stream of a chat that is sent at its reader's speed.</summary>
public sealed class PacedChatTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    /// <summary>Other streams have a heartbeat after fifteen seconds.</summary>
    [Fact]
    public async Task While_the_model_is_silent_it_has_heartbeats_sooner_than_other_streams()
    {
        var thought = new TaskCompletionSource();
        var prompt = shared.World.Upstream.On(async request =>
        {
            await thought.Task.WaitAsync(request.Gone);
            await request.StartAsync();
            await request.TokenAsync("ok");
            await request.EndAsync(1);
        });
        await using var other = await LlmSystem.ChatAsync(shared.World.A, prompt, "openai");
        await using var paced = await LlmSystem.ChatAsync(shared.World.A, prompt, "openai", "/sse/backpressure-chat");

        await paced.WaitAsync(r => r.Frames.Count(f => f.Comment == "heartbeat") >= 2);
        Assert.DoesNotContain(other.Frames, f => f.Comment == "heartbeat");

        thought.SetResult();
        await paced.WaitForEndAsync();
        Assert.Equal("ok", LlmSystem.Text(paced.Events, "content"));
    }
}
