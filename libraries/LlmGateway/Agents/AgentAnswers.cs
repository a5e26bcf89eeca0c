using LlmGateway.Agents.Sessions;
using LlmGateway.Generations;
using LlmGateway.Providers;
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

    /// <exception cref="InvalidChatException">The provider or model is unknown.</exception>
    public ChatTarget Resolve(string? provider, string? model) => providers.Resolve(provider, model);

    /// <summary>Makes an event with text, which is in two members because the two articles' clients read different
    /// ones.</summary>
    private static RunEvent Content(string text) => RunEvent.Of("content", new AgentContent("content", text, text));

    /// <summary>Answers a conversation, and ends the run. The conversation counts as the client's memory until the
    /// answer ends.</summary>
    /// <param name="target">The model.</param>
    /// <param name="client">The client whose share of the provider and of the memory the answer uses.</param>
    /// <param name="conversation">The conversation.</param>
    /// <param name="run">The run of the answer.</param>
    /// <param name="end">The event after the answer.</param>
    public async Task AnswerAsync(ChatTarget target, ClientKey client, AgentInput conversation, Run run, RunEvent end)
    {
        using var kept = budget.Keep(client, conversation.Bytes);
        await using var buffer = buffers.Of(run, Content, target.Provider);
        AIFunction[] usable =
        [
            .. options
                .Value.Tools.Where(t => conversation.Tools?.Contains(t.Function.Name) ?? t.Policy is null)
                .Select(t => t.Function),
        ];

        List<ChatMessage> messages = [.. conversation.Messages];
        if (options.Value.Instructions is { Length: > 0 } instructions)
            messages.Insert(0, new ChatMessage(ChatRole.System, instructions));

        for (var round = 1; ; round++)
        {
            // The last round offers no tools, so that the model must answer.
            var chat = new CallOptions
            {
                Client = client,
                ModelId = target.Model,
                Tools = [.. usable],
                ToolMode = round < MaxRounds ? ChatToolMode.Auto : ChatToolMode.None,
            };

            var updates = new List<ChatResponseUpdate>();
            await foreach (var update in target.StreamAsync(messages, chat, run.Stopping))
            {
                if (UnshownContent.TextOf(update) is { Length: > 0 } piece)
                    await buffer.TextAsync(piece);
                updates.Add(update);
            }

            var said = updates.ToChatResponse().Messages;
            var contents = said.SelectMany(message => message.Contents).ToList();
            var calls = contents.OfType<FunctionCallContent>().ToList();
            if (calls.Count == 0 || round >= MaxRounds)
                break;

            OwnReasoning.Mark(said, target.Provider);
            messages.AddRange(said);
            var isCut = updates.Exists(update => update.FinishReason == ChatFinishReason.Length);
            List<AIContent> reasoning = [.. contents.OfType<TextReasoningContent>()];
            foreach (var call in calls)
            {
                await AnnounceAsync(call, reasoning, conversation.Key, run, buffer);
                messages.Add(await UseToolAsync(isCut ? null : usable, call, run, buffer));
                await run.CloseWithAsync(AgentRuns.Closing(conversation.Key, ""));
            }
        }

        await buffer.EndAsync(end);
    }

    /// <summary>Writes a call. A crash may come at any time, so the call is durable before the tool begins, and the
    /// run's closing events name it.</summary>
    /// <param name="reasoning">The reasoning before the call, which the model must get back with the call.</param>
    private static async Task AnnounceAsync(
        FunctionCallContent call,
        List<AIContent> reasoning,
        string? key,
        Run run,
        AnswerBuffer buffer
    )
    {
        await run.CloseWithAsync(AgentRuns.Closing(key, $" `{call.Name}` may have run: it has no result."));
        var used = new AgentToolUse(SessionEvents.ToolUse, call.CallId, call.Name, ToolCalls.InputOrText(call));
        var bare = RunEvent.Of(used.Type, used);
        var details = StoredContents.Of(reasoning, bare);
        await buffer.StoreAsync(details is null ? bare : RunEvent.Of(used.Type, used with { Details = details }));
        run.Stopping.ThrowIfCancellationRequested();
    }

    /// <summary>Calls a tool, writes its result, and returns the result as a message for the model.</summary>
    /// <param name="usable">The tools, or null if the limit of tokens has cut the call.</param>
    private async Task<ChatMessage> UseToolAsync(
        AIFunction[]? usable,
        FunctionCallContent call,
        Run run,
        AnswerBuffer buffer
    )
    {
        var start = clock.GetTimestamp();
        var output = usable is null
            ? new ToolError("The limit of tokens has cut this call.")
            : await CallAsync(usable, call, run);
        var durationMs = Math.Round(clock.GetElapsedTime(start).TotalMilliseconds, 3);

        var result = new AgentToolResult(SessionEvents.ToolResult, call.CallId, call.Name, output, durationMs);
        await buffer.StoreAsync(RunEvent.Of(result.Type, result));
        return new ChatMessage(ChatRole.Tool, [ToolCalls.ResultOf(call.CallId, output)]);
    }

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
}

/// <summary>The result of a tool that failed.</summary>
internal sealed record ToolError(string Error);
