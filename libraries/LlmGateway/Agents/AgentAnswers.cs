using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace LlmGateway.Agents;

/// <summary>
/// Runs a model with tools: calls the tools that the model asks for, and sends it their results, until it answers
/// without a call. A failed tool returns its error as the result.
/// </summary>
internal sealed class AgentAnswers(
    IOptions<LlmGatewayOptions> options,
    IServiceScopeFactory services,
    ChatProviders providers,
    AnswerBufferFactory buffers,
    RequestBudget budget,
    TimeProvider clock,
    ILogger<AgentAnswers> logger
)
{
    /// <summary>Most requests to the model for one answer; the last one offers no tools.</summary>
    private const int MaxRounds = 8;

    /// <summary>Returns the names of the tools that the caller of a request may use.</summary>
    public async Task<string[]> ToolsForAsync(HttpContext context)
    {
        var authorization = context.RequestServices.GetRequiredService<IAuthorizationService>();
        var names = new List<string>();
        foreach (var (function, policy) in options.Value.Tools)
            if (policy is null || (await authorization.AuthorizeAsync(context.User, context, policy)).Succeeded)
                names.Add(function.Name);

        return [.. names];
    }

    /// <summary>Answers a question, and ends the run. The conversation counts as the client's memory until the answer
    /// ends.</summary>
    /// <param name="run">The run of the answer.</param>
    /// <param name="question">The question.</param>
    public async Task AnswerAsync(Run run, AgentQuestion question)
    {
        run.EndOf = failure => EndOf(failure, run, question.Key);
        var target = providers.Resolve(question.Provider, question.Model);
        using var kept = budget.Keep(question.Client, question.Bytes);
        await using var buffer = buffers.Of(run, AgentEvents.TextOf, target.Provider);
        var tools = options.Value.Tools.Where(t => question.Tools?.Contains(t.Function.Name) ?? t.Policy is null);
        AIFunction[] usable = [.. tools.Select(t => t.Function)];

        List<ChatMessage> messages = [.. question.Messages];
        if (options.Value.Instructions is { Length: > 0 } instructions)
            messages.Insert(0, new ChatMessage(ChatRole.System, instructions));

        ChatFinishReason? cut;
        for (var round = 1; ; round++)
        {
            // The last round offers no tools, so that the model must answer.
            var chat = new CallOptions
            {
                Client = question.Client,
                ModelId = target.Model,
                Tools = [.. usable],
                ToolMode = round < MaxRounds ? ChatToolMode.Auto : ChatToolMode.None,
                AnswersBrokenCalls = true,
            };

            var updates = await AskAsync(target, messages, chat, buffer, run.Stopping);
            var said = updates.ToChatResponse().Messages;
            var contents = said.SelectMany(message => message.Contents).ToList();
            var calls = contents.OfType<FunctionCallContent>().ToList();
            cut = CutOf(updates);
            if (calls.Count == 0)
                break;
            if (round == MaxRounds)
            {
                cut = ChatFinishReason.Length;
                await buffer.TextAsync(
                    $"\n\n[The agent stopped after {MaxRounds} requests, and did not call {calls[0].Name}.]"
                );
                break;
            }

            OwnReasoning.Mark(said, target.Provider);
            messages.AddRange(said);
            List<AIContent>? reasoning = [.. contents.OfType<TextReasoningContent>()];
            foreach (var call in calls)
            {
                // A crash may come at any time, so the call is durable before the tool begins, and the run's closing
                // events name it.
                await run.CloseWithAsync(
                    AgentEvents.Closing(question.Key, $" `{call.Name}` may have run: it has no result.")
                );
                await buffer.StoreAsync(AgentEvents.CallOf(call, reasoning));
                reasoning = null;
                run.Stopping.ThrowIfCancellationRequested();

                var start = clock.GetTimestamp();
                var output =
                    cut == ChatFinishReason.Length ? new ToolError("The limit of tokens has cut this call.")
                    : cut == ChatFinishReason.ContentFilter ? new ToolError("A content filter has cut this call.")
                    : await CallAsync(usable, call, run);
                await buffer.StoreAsync(AgentEvents.ResultOf(call, output, clock.GetElapsedTime(start)));
                messages.Add(new ChatMessage(ChatRole.Tool, [ToolCalls.ResultOf(call.CallId, output)]));
                await run.CloseWithAsync(AgentEvents.Closing(question.Key, ""));
            }
        }

        await buffer.EndAsync(AgentEvents.EndOf(question.Key, cut?.Value));
    }

    /// <summary>Asks the model once, and stores the text of its answer.</summary>
    private static async Task<List<ChatResponseUpdate>> AskAsync(
        ChatTarget target,
        List<ChatMessage> messages,
        CallOptions chat,
        AnswerBuffer buffer,
        CancellationToken stopping
    )
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in target.StreamAsync(messages, chat, stopping))
        {
            if (UnshownContent.TextOf(update) is { Length: > 0 } piece)
                await buffer.TextAsync(piece);
            updates.Add(update);
        }

        return updates;
    }

    /// <summary>Returns why an answer ended before its end, so that its calls may not run, or null if it did
    /// not.</summary>
    private static ChatFinishReason? CutOf(List<ChatResponseUpdate> updates) =>
        updates
            .Select(update => update.FinishReason)
            .LastOrDefault(reason => reason == ChatFinishReason.Length || reason == ChatFinishReason.ContentFilter);

    private async Task<object?> CallAsync(AIFunction[] usable, FunctionCallContent call, Run run)
    {
        if (Array.Find(usable, t => t.Name == call.Name) is not { } tool)
            return new ToolError($"There is no tool {call.Name}.");
        if (call.Arguments is null)
            return new ToolError("The arguments are not a JSON object.");

        try
        {
            await using var scope = services.CreateAsyncScope();
            var arguments = new AIFunctionArguments(call.Arguments)
            {
                Services = scope.ServiceProvider,
                Context = new Dictionary<object, object?> { ["callId"] = call.CallId, ["topic"] = run.Topic },
            };
            return await tool.InvokeAsync(arguments, run.Stopping);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or JsonException or KeyNotFoundException)
        {
            return new ToolError(e.Message);
        }
        // A cancellation may come from a timeout in the tool, instead of from the answer's token.
        catch (Exception e) when (!run.Stopping.IsCancellationRequested)
        {
            logger.LogWarning(e, "The tool {Tool} failed", call.Name);
            return new ToolError($"The tool {call.Name} failed.");
        }
    }

    private IReadOnlyList<RunEvent>? EndOf(Exception? failure, Run run, string? key)
    {
        switch (failure)
        {
            case null:
                return key is null ? null : run.ClosingEvents;
            case UpstreamException e:
                return AgentEvents.Failed(key, e.Message, e.Reason);
            case InvalidChatException e:
                return AgentEvents.Failed(key, e.Message, "configuration");
            default:
                logger.LogError(failure, "The agent cannot answer in {Run}", run.Topic);
                return AgentEvents.Failed(key, "The server failed. Its log has the reason.", "failed");
        }
    }
}
