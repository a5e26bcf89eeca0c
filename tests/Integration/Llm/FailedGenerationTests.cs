using Harness;
using Integration.Seeds;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm;

/// <summary>Failures that no provider reports: a bug of this server, for example.</summary>
public sealed class FailedGenerationTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const int Tokens = 1_000;

    private static string Text => string.Concat(Enumerable.Range(0, Tokens).Select(n => $"{n} "));

    [Fact]
    public async Task A_generation_that_fails_unexpectedly_keeps_the_text_before_its_failure()
    {
        var services = ((ServiceHost)A).Services;
        using var client = new ScriptedChatClient((_, _, _) => FailAsync());
        var call = new ChatCall(new ChatTarget(client, "demo", "demo"), [new ChatMessage(ChatRole.User, "x")], new());
        var id = Guid.NewGuid().ToString("N");

        var prompt = new RunPrompt("generations", [.. call.Messages]);
        await services.GetRequiredService<Generator>().StartAsync(call, prompt, id, owner: null, Stop);

        await using var reader = await LlmSystem.ReadAsync(B, id);
        Assert.Equal(Text, LlmSystem.Text(reader.Events, "text"));
        Assert.Equal(("error", "failed"), (reader.Events.Last().Event, reader.Events.Last().Json().Text("reason")));
    }

    /// <summary>Sends many tokens at once, most of which are not stored yet when it fails.</summary>
    private static async IAsyncEnumerable<ChatResponseUpdate> FailAsync()
    {
        await Task.Yield();
        for (var n = 0; n < Tokens; n++)
            yield return new ChatResponseUpdate(ChatRole.Assistant, $"{n} ");
        throw new InvalidOperationException("a bug");
    }
}
