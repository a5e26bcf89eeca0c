using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Harness;
using Integration.Seeds;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Runs;

namespace Integration.Llm;

/// <summary>Failures that no provider reports: a bug of this server, for example.</summary>
public sealed class FailedGenerationTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const int Tokens = 1_000;

    private static string Text => string.Concat(Enumerable.Range(0, Tokens).Select(n => $"{n} "));

    [Fact]
    public async Task A_generation_that_fails_unexpectedly_keeps_the_text_before_its_failure()
    {
        using var client = new ScriptedChatClient((_, _, _) => FailAsync());
        var id = await StartAsync(client, "demo");

        await using var reader = await LlmSystem.ReadAsync(B, id);
        Assert.Equal(Text, LlmSystem.Text(reader.Events, "text"));
        Assert.Equal(("error", "failed"), (reader.Events.Last().Event, reader.Events.Last().Json().Text("reason")));
    }

    /// <summary>The delay is that of tokens, and would be as long as the machine runs.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_answer_without_a_token_has_no_delay_of_tokens(bool fails)
    {
        var provider = $"silent-{Guid.NewGuid():N}";
        var delays = new ConcurrentQueue<double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Name == "llm.gateway.token.delay")
                all.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>(
            (_, delay, tags, _) =>
            {
                foreach (var tag in tags)
                    if ((string?)tag.Value == provider)
                        delays.Enqueue(delay);
            }
        );
        listener.Start();

        using var client = new ScriptedChatClient((_, _, _) => SilentAsync(fails));
        var id = await StartAsync(client, provider);
        await using var reader = await LlmSystem.ReadAsync(B, id);
        var live = ((ServiceHost)A).Services.GetRequiredService<LiveRuns>();
        await Eventually.HoldsAsync(() => live.Find(new RunName(GenerationName.Kind, id)) is null);
        Assert.Equal(fails ? "error" : "done", reader.Events.Last().Event);
        Assert.Empty(delays);
    }

    private async Task<string> StartAsync(ScriptedChatClient client, string provider)
    {
        var call = new ChatCall(new ChatTarget(client, provider, "demo"), [new ChatMessage(ChatRole.User, "x")], new());
        var id = Guid.NewGuid().ToString("N");
        var prompt = new RunPrompt("generations", [.. call.Messages]);
        var generator = ((ServiceHost)A).Services.GetRequiredService<Generator>();
        await generator.StartAsync(call, prompt, id, owner: null, Stop);
        return id;
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> SilentAsync(bool fails)
    {
        await Task.Yield();
        if (fails)
            throw new InvalidOperationException("a bug");
        yield return new ChatResponseUpdate { FinishReason = ChatFinishReason.Stop };
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
