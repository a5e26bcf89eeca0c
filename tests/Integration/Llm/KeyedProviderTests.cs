using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Harness;
using Integration.Delivery;
using Integration.Seeds;
using Microsoft.Extensions.AI;

namespace Integration.Llm;

/// <summary>A chat client that a host has registered under a key, as a provider of the real service.</summary>
public sealed class KeyedProviderTests(KeyedProviderTests.KeyedSystem system)
    : IClassFixture<KeyedProviderTests.KeyedSystem>
{
    private const string Completions = "/v1/chat/completions",
        Messages = "/v1/messages";

    private RunningService A => system.System.Replicas[0];
    private RunningService B => system.System.Replicas[1];

    public sealed class KeyedSystem : SharedWorld
    {
        protected override int Replicas => 2;

        protected override Dictionary<string, string> Settings => KeyedModels.Settings;
    }

    [Fact]
    public async Task Its_model_is_listed_beside_the_others()
    {
        var models = await SeedRequests.GetAsync(A.Url, "/v1/models");
        Assert.Contains(
            (KeyedModels.Model, KeyedModels.Provider),
            models.Items("data").Select(m => (m.Text("id"), m.Text("owned_by")))
        );
    }

    [Theory]
    [InlineData(Completions, "keyed-model", "keyed-model")]
    [InlineData(Completions, "keyed/another/model", "another/model")]
    [InlineData(Messages, "keyed-model", "keyed-model")]
    [InlineData(Messages, "Keyed/another", "another")]
    public async Task Its_models_answer_in_both_vendors_apis(string path, string model, string asked)
    {
        var prompt = KeyedModels.On((_, options, _) => SayAsync(options!.ModelId!, " 語", " 😀"));
        var answer = await LlmSystem.AnswerAsync(A, path, LlmSystem.VendorQuestion(prompt, model, stream: false));
        Assert.Equal(
            (asked + " 語 😀", 7, 3),
            path == Messages
                ? (
                    answer.Text("content.0.text"),
                    answer.Number("usage.input_tokens"),
                    answer.Number("usage.output_tokens")
                )
                : (
                    answer.Text("choices.0.message.content"),
                    answer.Number("usage.prompt_tokens"),
                    answer.Number("usage.completion_tokens")
                )
        );
    }

    [Fact]
    public async Task A_reader_that_returns_to_another_replica_has_the_clients_text_byte_for_byte()
    {
        var said = new StringBuilder();
        var returned = new TaskCompletionSource();
        var prompt = KeyedModels.On((_, _, token) => SayUntilAsync(returned.Task, said, token));
        var id = await LlmSystem.GenerateAsync(A, prompt, KeyedModels.Provider);
        var frames = new List<Frame>();
        string? last = null;
        for (var i = 0; i < 6; i++)
        {
            var replica = i % 2 == 0 ? A : B;
            await using var reader = await SseReader
                .OpenAsync(replica.Url, LlmSystem.Stream(id), last)
                .ToEventsAsync(2);
            frames.AddRange(reader.Events);
            last = reader.LastId;
        }

        await using var rest = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id), last);
        returned.SetResult();
        await rest.WaitForEndAsync();
        frames.AddRange(rest.Events);
        Assert.Equal(said.ToString(), LlmSystem.Text(frames, "text"));
        Assert.Equal(
            """{"finishReason":"stop","usage":{"inputTokens":7,"outputTokens":3}}""",
            Assert.Single(frames, f => f.Event == "done").Data
        );
    }

    [Fact]
    public async Task A_cancel_on_another_replica_reaches_the_client_and_the_readers()
    {
        var gone = new TaskCompletionSource();
        var prompt = KeyedModels.On(
            (_, _, token) =>
            {
                token.Register(gone.SetResult);
                return SayUntilAsync(gone.Task, new StringBuilder(), token);
            }
        );
        var id = await LlmSystem.GenerateAsync(A, prompt, KeyedModels.Provider);
        await using var reader = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id)).ToEventsAsync(2);

        using (var response = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"/v1/generations/{id}"))
            Assert.True(response.IsSuccessStatusCode);

        await gone.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        await reader.WaitForEndAsync();
        Assert.Equal("cancelled", reader.Events.Last().Json().Text("finishReason"));
    }

    [Theory]
    [InlineData("silent", "", "timeout")]
    [InlineData("silent after a token", "half", "timeout")]
    [InlineData("failing", "half", "rate_limited")]
    public async Task A_client_that_fails_ends_the_answer_with_its_reason_and_keeps_the_text(
        string how,
        string text,
        string reason
    )
    {
        var prompt = KeyedModels.On((_, _, token) => FailAsync(how, text, token));
        var id = await LlmSystem.GenerateAsync(A, prompt, KeyedModels.Provider);
        await using var reader = await LlmSystem.ReadAsync(B, id);
        var error = reader.Events.Last().Json();

        Assert.Equal((reason, true), (error.Text("reason"), error.At("fatal").GetBoolean()));
        Assert.DoesNotContain(LlmSystem.Key, reader.Events.Last().Data, StringComparison.Ordinal);
        var (status, kept) = await LlmSystem.EndAsync(A, id);
        Assert.Equal(("failed", text), (status, kept ?? ""));
    }

    [Fact]
    public async Task The_agent_runs_the_tools_that_its_model_calls()
    {
        var prompt = KeyedModels.On((messages, _, _) => CallAsync(messages));
        await using var reader = await AskAgentAsync(prompt);
        Assert.Equal(["tool_use", "tool_result", "content", "end"], reader.Events.Select(e => e.Event));
        Assert.Equal(42, reader.Events.ElementAt(1).Json().Number("output"));
        Assert.Equal("It is 42", LlmSystem.Text(reader.Events, "content"));
    }

    [Fact]
    public async Task The_agents_last_request_must_be_answered_and_still_declares_the_tools_that_were_called()
    {
        var requests = new List<ChatOptions>();
        var prompt = KeyedModels.On(
            (_, options, _) =>
            {
                requests.Add(options!);
                return CallsAsync(Call("calculate"));
            }
        );
        await using var reader = await AskAgentAsync(prompt);

        Assert.Equal(8, requests.Count);
        Assert.All(requests[..^1], options => Assert.IsType<AutoChatToolMode>(options.ToolMode));
        // Anthropic and Bedrock refuse a conversation with tool calls whose tools are not declared.
        Assert.IsType<NoneChatToolMode>(requests[^1].ToolMode);
        Assert.Contains("calculate", requests[^1].Tools!.Select(tool => tool.Name));
        Assert.Equal(7, reader.Events.Count(e => e.Event == "tool_result"));
    }

    [Fact]
    public async Task Each_call_of_a_round_is_followed_by_its_result_also_that_of_a_tool_that_does_not_exist()
    {
        var results = new List<string>();
        var prompt = KeyedModels.On(
            (messages, _, _) =>
            {
                results.AddRange(messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Select(ToText));
                return results.Count == 0
                    ? CallsAsync(Call("calculate"), Call("nobodys"), Call("calculate"))
                    : SayAsync("so");
            }
        );
        await using var reader = await AskAgentAsync(prompt);

        Assert.Equal(
            ["tool_use", "tool_result", "tool_use", "tool_result", "tool_use", "tool_result", "content", "end"],
            reader.Events.Select(e => e.Event)
        );
        Assert.Equal(["42", """{"error":"There is no tool nobodys."}""", "42"], results);

        static string ToText(FunctionResultContent result) => $"{result.Result}";
    }

    [Fact]
    public async Task A_vendors_client_gets_the_calls_of_its_own_tools()
    {
        var prompt = KeyedModels.On((messages, _, _) => CallAsync(messages));
        var answer = await LlmSystem.AnswerAsync(
            A,
            Completions,
            new
            {
                model = KeyedModels.Model,
                messages = new[] { new { role = "user", content = prompt } },
                tools = new[] { new { type = "function", function = new { name = "calculate" } } },
            }
        );
        var call = answer.At("choices.0.message.tool_calls.0.function");

        Assert.Equal(
            ("tool_calls", "calculate", """{"expression":"6*7"}"""),
            (answer.Text("choices.0.finish_reason"), call.Text("name"), call.Text("arguments"))
        );
    }

    /// <summary>Returns the agent's whole answer.</summary>
    private Task<SseReader> AskAgentAsync(string prompt) =>
        SseReader
            .OpenAsync(A.Url, $"/stream?provider={KeyedModels.Provider}&prompt={Uri.EscapeDataString(prompt)}")
            .ToEndAsync();

    /// <summary>Says a text, and reports its usage in two parts.</summary>
    private static async IAsyncEnumerable<ChatResponseUpdate> SayAsync(params string[] tokens)
    {
        await Task.Yield();
        yield return Usage(new UsageDetails { InputTokenCount = 7 });
        foreach (var token in tokens)
            yield return new ChatResponseUpdate(ChatRole.Assistant, token);
        yield return Usage(new UsageDetails { OutputTokenCount = 3 });
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> SayUntilAsync(
        Task returned,
        StringBuilder said,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        for (var i = 0; !returned.IsCompleted; i++)
        {
            var token = i % 2 == 0 ? $"語{i} " : "😀\n";
            said.Append(token);
            yield return new ChatResponseUpdate(ChatRole.Assistant, token);
            await Task.Delay(20, cancellationToken);
        }
        yield return Usage(new UsageDetails { InputTokenCount = 7, OutputTokenCount = 3 });
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> FailAsync(
        string how,
        string text,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await Task.Yield();
        if (text.Length > 0)
            yield return new ChatResponseUpdate(ChatRole.Assistant, text);
        if (how == "failing")
            throw new HttpRequestException(LlmSystem.Key, null, HttpStatusCode.TooManyRequests);
        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    /// <summary>Calls a tool, then says its result.</summary>
    private static IAsyncEnumerable<ChatResponseUpdate> CallAsync(IEnumerable<ChatMessage> messages) =>
        messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().SingleOrDefault() is { } result
            ? SayAsync($"It is {result.Result}")
            : CallsAsync(Call("calculate"));

    private static async IAsyncEnumerable<ChatResponseUpdate> CallsAsync(params FunctionCallContent[] calls)
    {
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, [.. calls]);
    }

    private static FunctionCallContent Call(string tool) =>
        new($"call_{Guid.NewGuid():N}", tool, new Dictionary<string, object?> { ["expression"] = "6*7" });

    private static ChatResponseUpdate Usage(UsageDetails details) => new() { Contents = [new UsageContent(details)] };
}
