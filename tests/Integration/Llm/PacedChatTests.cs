namespace Integration.Llm;

/// <summary>The stream of a chat that is sent at its reader's speed.</summary>
public sealed class PacedChatTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    /// <summary>Other streams have a heartbeat after fifteen seconds.</summary>
    [Fact]
    public async Task While_the_model_is_silent_it_has_heartbeats_sooner_than_other_streams()
    {
        var thought = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await thought.Task.WaitAsync(request.Gone);
            await request.SayAsync("ok");
        });
        await using var other = await LlmSystem.ChatAsync(A, prompt, "openai");
        await using var paced = await LlmSystem.ChatAsync(A, prompt, "openai", "/sse/backpressure-chat");

        await paced.WaitAsync(r => r.Frames.Any(f => f.Comment == "heartbeat"));
        Assert.DoesNotContain(other.Frames, f => f.Comment == "heartbeat");

        thought.SetResult();
        await paced.WaitForEndAsync();
        Assert.Equal("ok", LlmSystem.Text(paced.Events, "content"));
    }
}
