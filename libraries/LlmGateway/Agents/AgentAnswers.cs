using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using Runs;
using Streaming.Admission;
using Streaming.Requests;

namespace LlmGateway.Agents;

/// <summary>Answers of the agent, which are runs.</summary>
internal sealed class AgentAnswers(
    Agent agent,
    ChatProviders providers,
    AnswerWriters writers,
    RequestBudget budget,
    TimeProvider clock
)
{
    /// <summary>The time of all waits.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Names of the tools that the caller of a request may use.</summary>
    public string[] ToolsFor(HttpContext context) => agent.ToolsFor(context);

    /// <exception cref="InvalidChatException">The provider or model is unknown.</exception>
    public ChatTarget Resolve(string? provider, string? model) => providers.Resolve(provider, model);

    /// <summary>Creates the writer of an answer.</summary>
    public RunWriter WriterOf(Run run, ChatTarget target) => writers.Of(run, Agent.Content, target.Provider);

    /// <summary>Writes the answer to a conversation, which it keeps while it waits for the provider, and until the
    /// end.</summary>
    /// <param name="target">The model.</param>
    /// <param name="client">The client whose share of the provider and of the memory it uses.</param>
    /// <param name="conversation">The conversation.</param>
    /// <param name="writer">Writes the answer.</param>
    /// <param name="cancellationToken">Stops the answer.</param>
    public async Task WriteAsync(
        ChatTarget target,
        ClientKey client,
        AgentInput conversation,
        RunWriter writer,
        CancellationToken cancellationToken
    )
    {
        using var kept = budget.Keep(client, conversation.Bytes);
        await agent.AnswerAsync(target, client, conversation.Tools, conversation.Messages, writer, cancellationToken);
    }
}

/// <summary>The input that the agent answers.</summary>
/// <param name="Messages">The messages so far.</param>
/// <param name="Tools">Names of the tools that it may use; null: only those for every caller.</param>
/// <param name="Bytes">Bytes of memory of the messages.</param>
internal sealed record AgentInput(IEnumerable<ChatMessage> Messages, string[]? Tools, long Bytes)
{
    /// <summary>One question.</summary>
    public static AgentInput Of(string question, string[] tools) =>
        new([new ChatMessage(ChatRole.User, question)], tools, sizeof(char) * (long)question.Length);
}
