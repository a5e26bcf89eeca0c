using System.Text.Json;
using System.Text.Json.Serialization;
using Harness;
using Integration.Seeds;
using LlmGateway;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Llm.Dialects;

/// <summary>Runs that are read back as the updates of an answer, from which other APIs show them.</summary>
public sealed class RunUpdateTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Usage =
        """{"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,"""
        + """ "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}""";

    private static readonly string[] Rich =
    [
        """{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"I think."}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"content":"Let me \"look\"."}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","""
            + """ "function":{"name":"find","arguments":"{\"details\": [1]}"}}]}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
        Usage,
        "[DONE]",
    ];

    [Fact]
    public async Task A_run_is_read_on_any_replica_as_what_its_provider_has_sent()
    {
        var id = await LlmSystem.GenerateAsync(A, Upstream.On(request => request.EventsAsync(Rich)), "openai");
        var answer = (await ReadAsync(B, id)).ToChatResponse();

        var contents = answer.Messages.SelectMany(message => message.Contents).ToList();
        Assert.Equal("I think.", Assert.Single(contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal("Let me \"look\".", answer.Text);
        var call = Assert.Single(contents.OfType<FunctionCallContent>());
        Assert.Equal(("call_1", "find", """{"details":[1]}"""), (call.CallId, call.Name, ToolCalls.Arguments(call)));
        Assert.Equal(ChatFinishReason.ToolCalls, answer.FinishReason);
        Assert.Equal(
            (9, 8, 4, 5),
            (
                answer.Usage?.InputTokenCount,
                answer.Usage?.OutputTokenCount,
                answer.Usage?.CachedInputTokenCount,
                answer.Usage?.ReasoningTokenCount
            )
        );
    }

    [Fact]
    public async Task The_frames_of_a_generation_have_none_of_what_is_kept_for_other_apis()
    {
        var id = await LlmSystem.GenerateAsync(A, Upstream.On(request => request.EventsAsync(Rich)), "openai");
        await using var reader = await LlmSystem.ReadAsync(B, id);
        Assert.Equal(
            [
                """reasoning {"text":"I think."}""",
                """token {"text":"Let me \"look\"."}""",
                """tool_use {"id":"call_1","tool":"find","input":{"details":[1]}}""",
                """done {"finishReason":"tool_calls","usage":{"inputTokens":9,"outputTokens":8}}""",
            ],
            reader.Events.Select(e => $"{e.Event} {e.Data}")
        );

        var refused = await LlmSystem.GenerateAsync(
            B,
            Upstream.On(r => r.RefuseAsync(429, "slow down", "60")),
            "openai"
        );
        await using var failed = await LlmSystem.ReadAsync(A, refused);
        Assert.Equal(
            """{"error":"openai answered 429: slow down","fatal":true,"reason":"rate_limited"}""",
            Assert.Single(failed.Events).Data
        );
    }

    [Fact]
    public async Task A_failed_run_is_the_failure_as_its_provider_has_reported_it()
    {
        var id = await LlmSystem.GenerateAsync(A, Upstream.On(r => r.RefuseAsync(429, "slow down", "60")), "openai");
        var failure = await Assert.ThrowsAsync<UpstreamException>(() => ReadAsync(B, id));
        Assert.Equal(
            (429, "rate_limited", TimeSpan.FromSeconds(60), true),
            (failure.Status, failure.Reason, failure.RetryAfter, failure.MayRetry)
        );

        var cut = Upstream.On(request =>
            request.EventsAsync("""{"error":{"code":"context_length_exceeded","message":"too long"}}""")
        );
        var run = await FindAsync(B, await LlmSystem.GenerateAsync(A, cut, "openai"));
        var soFar = await UntilEndedAsync(B, run);
        Assert.Equal((400, "context_length_exceeded"), (soFar.Failure!.Status, soFar.Failure.Reason));
        Assert.Empty(soFar.Updates);
    }

    [Fact]
    public async Task A_cancelled_run_ends_as_cancelled_and_keeps_its_text()
    {
        var id = await LlmSystem.GenerateAsync(A, Upstream.Stopping(null, "half "), "openai");
        var reading = ReadAsync(B, id);
        await using (var reader = await SseReader.OpenAsync(A.Url, LlmSystem.Stream(id)).ToEventsAsync(1))
            (await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"/v1/generations/{id}")).Dispose();

        var answer = (await reading).ToChatResponse();
        Assert.Equal(("half ", GenerationEvents.Cancelled), (answer.Text, answer.FinishReason?.Value));
    }

    [Fact]
    public async Task A_run_with_a_history_has_the_messages_of_all_runs_before_it()
    {
        var first = await StartAsync("mine", "My name is Ann.", previous: null);
        var second = await StartAsync("mine", "What is it?", previous: first.Name.Id);

        var prompt = await Services(B).GetRequiredService<PromptStore>().ReadAsync(second.Name, Stop);
        Assert.Equal(
            ("mine", first.Name.Id, "What is it?"),
            (prompt!.Dialect, prompt.Previous, prompt.Messages[0].Text)
        );

        await UntilEndedAsync(A, first);
        await UntilEndedAsync(A, second);
        var conversations = Services(B).GetRequiredService<ConversationReader>();
        var history = await conversations.HistoryAsync(second.Name, Stop, 4, 2_000);
        Assert.Equal(
            [
                (ChatRole.User, "My name is Ann."),
                (ChatRole.Assistant, "to My name is Ann."),
                (ChatRole.User, "What is it?"),
                (ChatRole.Assistant, "to What is it?"),
            ],
            history.Select(message => (message.Role, message.Text))
        );
        foreach (var (most, mostBytes) in ((int, long)[])[(3, 2_000), (4, 200)])
        {
            var refused = await Assert.ThrowsAsync<InvalidChatException>(() =>
                conversations.HistoryAsync(second.Name, Stop, most, mostBytes)
            );
            Assert.Equal("context_length_exceeded", refused.Code);
        }
    }

    [Fact]
    public async Task A_generation_keeps_its_prompt()
    {
        var asked = Upstream.Saying("yes");
        var id = await LlmSystem.GenerateAsync(A, asked, "openai");
        var prompt = await Services(B).GetRequiredService<PromptStore>().ReadAsync(GenerationName.Of(id)!.Value, Stop);
        Assert.Equal(("generations", asked), (prompt!.Dialect, Assert.Single(prompt.Messages).Text));
    }

    [Fact]
    public async Task What_an_application_appended_is_read_as_what_it_was()
    {
        var name = await StartAsync(
            async (run, _) =>
            {
                await run.AppendAsync("progress", new { percent = 10 });
                await run.AppendAsync("update", new { contents = "all" });
                await run.AppendAsync("update", new { contents = new[] { new { text = "Hi" } } });
                await run.AppendEachAsync("update", UpdatesOfAsync());
            }
        );

        var head = await Updates(B).FindAsync(name, Stop);
        var read = await Updates(B).ReadAsync(head!, "me", cancellationToken: Stop).ToListAsync(Stop);
        var answer = read.ToChatResponse();
        Assert.Equal(("Hello", ChatFinishReason.Stop), (answer.Text, answer.FinishReason));
        Assert.Equal(3, answer.Usage?.OutputTokenCount);
        Assert.Equal((null, null), (head!.Provider, head.Model));
    }

    /// <summary>As OpenAI's .NET client reports a refusal, and an answer that breaks off.</summary>
    [Fact]
    public async Task An_error_that_an_application_appended_is_a_failure_and_a_refusal_is_text()
    {
        var name = await StartAsync(
            async (run, _) =>
            {
                await run.AppendAsync("update", new { contents = new[] { new Odd("functionCall") } });
                await run.AppendAsync(Of(new ErrorContent("No.") { ErrorCode = "Refusal" }));
                await run.AppendAsync(Of(new ErrorContent("sk-secret") { ErrorCode = "rate_limit_exceeded" }));
            }
        );

        var soFar = await UntilEndedAsync(B, (await Updates(B).FindAsync(name, Stop))!);
        Assert.Equal("No.", soFar.Updates.ToChatResponse().Text);
        Assert.Equal((429, "rate_limited"), (soFar.Failure!.Status, soFar.Failure.Reason));
        Assert.DoesNotContain("sk-secret", soFar.Failure.Message, StringComparison.Ordinal);

        static ChatResponseUpdate Of(AIContent content) => new(ChatRole.Assistant, [content]);
    }

    /// <summary>A client that cannot parse them leaves an exception, which the JSON of the call lacks.</summary>
    [Fact]
    public async Task A_call_whose_arguments_its_client_could_not_read_is_none_without_arguments()
    {
        var cut = FunctionCallContent.CreateFromParsedArguments(
            """{"path":"/tmp""",
            "c1",
            "rm",
            json => JsonSerializer.Deserialize<Dictionary<string, object?>>(json)
        );
        var name = await StartAsync(
            async (run, _) =>
            {
                await run.AppendAsync(new ChatResponseUpdate(ChatRole.Assistant, [cut]));
                await run.AppendAsync(AnswerAsync());
            }
        );

        var soFar = await UntilEndedAsync(B, (await Updates(B).FindAsync(name, Stop))!);
        var calls = soFar.Updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>();
        Assert.Equal(["(not JSON)", "{\"a\":", ""], calls.Select(ToolCalls.Arguments));

        static async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync()
        {
            await Task.Yield();
            yield return new(
                ChatRole.Assistant,
                [ToolCalls.Parse("c2", "rm", "{\"a\":"), new FunctionCallContent("c3", "now")]
            );
        }
    }

    [Fact]
    public async Task A_character_that_a_chat_client_cuts_between_two_updates_stays_whole()
    {
        var name = await StartAsync(async (run, _) => await run.AppendAsync(CutAsync()));

        var soFar = await UntilEndedAsync(B, (await Updates(B).FindAsync(name, Stop))!);
        var contents = soFar.Updates.SelectMany(update => update.Contents).ToList();
        Assert.Equal("A 🚀 B🚀", string.Concat(contents.OfType<TextContent>()));
        Assert.Equal("so 🚀", string.Concat(contents.OfType<TextReasoningContent>().Select(r => r.Text)));

        static async IAsyncEnumerable<ChatResponseUpdate> CutAsync()
        {
            await Task.Yield();
            yield return new(ChatRole.Assistant, [new TextReasoningContent("so \ud83d"), new TextContent("A \ud83d")]);
            yield return new(ChatRole.Assistant, [new TextReasoningContent("\ude80")]);
            yield return new(ChatRole.Assistant, "\ude80 B\ud83d");
            yield return new(ChatRole.Assistant, "\ude80");
        }
    }

    [Fact]
    public async Task A_run_of_an_application_that_was_cancelled_ends_as_cancelled()
    {
        var begun = new TaskCompletionSource();
        var name = await StartAsync(
            async (run, stop) =>
            {
                await run.AppendAsync(new ChatResponseUpdate(ChatRole.Assistant, "half "));
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, stop);
            }
        );
        await begun.Task.WaitAsync(Stop);
        await Services(B).GetRequiredService<IRuns>().CancelAsync(name.Topic, Stop);

        var soFar = await UntilEndedAsync(B, (await Updates(B).FindAsync(name, Stop))!);
        var answer = soFar.Updates.ToChatResponse();
        Assert.Equal(("half ", GenerationEvents.Cancelled), (answer.Text, answer.FinishReason?.Value));
        Assert.Null(soFar.Failure);
    }

    [Fact]
    public async Task The_latest_run_of_a_thread_is_found_on_any_replica()
    {
        var thread = RunThreads.IdOf("ann", "chat", Guid.NewGuid().ToString());
        Assert.NotEqual(thread, RunThreads.IdOf("anna", "chat"));
        Assert.Empty(await Services(B).GetRequiredService<RunThreads>().RunsAsync(thread, Stop));

        foreach (var id in (string[])[new('1', 32), new('2', 32)])
            await Services(A)
                .GetRequiredService<RunThreads>()
                .AddAsync(thread, new RunName(GenerationName.Kind, id), "me", Stop);

        var (latest, _) = (await Services(B).GetRequiredService<RunThreads>().RunsAsync(thread, Stop))[0];
        Assert.Equal(new string('2', 32), latest);
    }

    private static IServiceProvider Services(RunningService replica) => ((ServiceHost)replica).Services;

    private static RunUpdates Updates(RunningService replica) => Services(replica).GetRequiredService<RunUpdates>();

    /// <summary>Starts a run as an application does.</summary>
    private async Task<RunName> StartAsync(Func<Run, CancellationToken, Task> work)
    {
        var name = new RunName("answers", Guid.NewGuid().ToString("N"));
        await Services(A).GetRequiredService<IRuns>().StartAsync(name.Topic, work, Stop);
        return name;
    }

    private static async Task<RunHead> FindAsync(RunningService replica, string id) =>
        (await Updates(replica).FindAsync(GenerationName.Of(id)!.Value, Stop))!;

    /// <summary>Reads a generation to its end.</summary>
    private static async Task<List<ChatResponseUpdate>> ReadAsync(RunningService replica, string id) =>
        await Updates(replica).ReadAsync(await FindAsync(replica, id), "me", cancellationToken: Stop).ToListAsync(Stop);

    private static async Task<RunSoFar> UntilEndedAsync(RunningService replica, RunHead run)
    {
        while (true)
            if (await Updates(replica).SoFarAsync(run, Stop) is { HasEnded: true } whole)
                return whole;
    }

    /// <summary>Starts a generation whose answer repeats the question, as another API would.</summary>
    private async Task<RunHead> StartAsync(string dialect, string question, string? previous)
    {
        var client = new ScriptedChatClient((messages, _, _) => RepeatAsync(messages.Last().Text));
        var call = new ChatCall(
            new ChatTarget(client, "demo", "demo"),
            [new ChatMessage(ChatRole.User, question)],
            new CallOptions()
        );
        return await Services(A)
            .GetRequiredService<Generator>()
            .StartAsync(
                call,
                new RunPrompt(dialect, [.. call.Messages], previous),
                Guid.NewGuid().ToString("N"),
                owner: null,
                Stop
            );
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> RepeatAsync(string text)
    {
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, "to " + text);
    }

    /// <summary>Data of an event of the application's own that looks like a content.</summary>
    private sealed record Odd([property: JsonPropertyName("$type")] string Type);

    private static async IAsyncEnumerable<ChatResponseUpdate> UpdatesOfAsync()
    {
        await Task.Yield();
        yield return new ChatResponseUpdate(ChatRole.Assistant, "Hel");
        yield return new ChatResponseUpdate(ChatRole.Assistant, "lo");
        yield return new ChatResponseUpdate
        {
            FinishReason = ChatFinishReason.Stop,
            Contents = [new UsageContent(new UsageDetails { OutputTokenCount = 3 })],
        };
    }
}
