using System.Text;
using System.Text.Json;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.AI;
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

    /// <summary>Creates the buffer for an answer, which a run stores.</summary>
    public AnswerBuffer BufferOf(Run run, ChatTarget target) => buffers.Of(run, Content, target.Provider);

    /// <summary>Makes an event with text, which is in two members because the two articles' clients read different
    /// ones.</summary>
    private static RunEvent Content(string text) => RunEvent.Of("content", new AgentContent("content", text, text));

    /// <summary>Writes the answer to a conversation. The conversation counts as the client's memory until the answer
    /// ends.</summary>
    /// <param name="target">The model.</param>
    /// <param name="client">The client whose share of the provider and of the memory the answer uses.</param>
    /// <param name="conversation">The conversation.</param>
    /// <param name="buffer">Stores the answer.</param>
    /// <param name="cancellationToken">Stops the answer.</param>
    public async Task WriteAsync(
        ChatTarget target,
        ClientKey client,
        AgentInput conversation,
        AnswerBuffer buffer,
        CancellationToken cancellationToken
    )
    {
        using var kept = budget.Keep(client, conversation.Bytes);
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

            var text = new StringBuilder();
            var calls = new List<FunctionCallContent>();
            var isCut = false;
            await foreach (var update in target.Client.GetStreamingResponseAsync(messages, chat, cancellationToken))
            {
                if (update.Text is { Length: > 0 } piece)
                {
                    text.Append(piece);
                    await buffer.TextAsync(piece);
                }

                calls.AddRange(update.Contents.OfType<FunctionCallContent>());
                isCut |= update.FinishReason == ChatFinishReason.Length;
            }

            if (calls.Count == 0 || round >= MaxRounds)
                return;

            messages.Add(
                new ChatMessage(
                    ChatRole.Assistant,
                    [.. text.Length > 0 ? [new TextContent(text.ToString())] : (AIContent[])[], .. calls]
                )
            );

            foreach (var call in calls)
                messages.Add(await UseToolAsync(usable, call, isCut, buffer, cancellationToken));
        }
    }

    /// <summary>Writes a call and its result as events, and returns the result as a message for the model.</summary>
    private async Task<ChatMessage> UseToolAsync(
        AIFunction[] usable,
        FunctionCallContent call,
        bool isCut,
        AnswerBuffer buffer,
        CancellationToken cancellationToken
    )
    {
        buffer.Event(
            RunEvent.Of("tool_use", new AgentToolUse("tool_use", call.CallId, call.Name, ToolCalls.InputOrText(call)))
        );

        var start = clock.GetTimestamp();
        var output = isCut
            ? new ToolError("The limit of tokens has cut this call.")
            : await CallAsync(usable, call, cancellationToken);
        var durationMs = Math.Round(clock.GetElapsedTime(start).TotalMilliseconds, 3);

        buffer.Event(
            RunEvent.Of("tool_result", new AgentToolResult("tool_result", call.CallId, call.Name, output, durationMs))
        );

        return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, RunJson.Write(output))]);
    }

    private async Task<object?> CallAsync(
        AIFunction[] usable,
        FunctionCallContent call,
        CancellationToken cancellationToken
    )
    {
        if (Array.Find(usable, t => t.Name == call.Name) is not { } tool)
            return new ToolError($"There is no tool {call.Name}.");
        if (call.Arguments is null)
            return new ToolError("The arguments are not a JSON object.");

        try
        {
            await using var scope = services.CreateAsyncScope();
            var arguments = new AIFunctionArguments(call.Arguments) { Services = scope.ServiceProvider };
            return await tool.InvokeAsync(arguments, cancellationToken);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or JsonException or KeyNotFoundException)
        {
            return new ToolError(e.Message);
        }
        // A cancellation may come from a timeout in the tool, instead of from the answer's token.
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.LogWarning(e, "The tool {Tool} failed", call.Name);
            return new ToolError($"The tool {call.Name} failed.");
        }
    }
}

/// <summary>The result of a tool that failed.</summary>
internal sealed record ToolError(string Error);
