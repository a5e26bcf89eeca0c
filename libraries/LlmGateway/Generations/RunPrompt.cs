using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Generations;

/// <summary>The question of a run.</summary>
/// <param name="Dialect">Name of the dialect of the request, which alone reads <paramref name="Asked"/>.</param>
/// <param name="Messages">The request's own messages, without those of <paramref name="Previous"/>.</param>
/// <param name="Previous">Id of the run that this one continues, or null if it has no history.</param>
/// <param name="Asked">What else that dialect shows of its request.</param>
/// <param name="Instructions">What the model is told before the conversation, and what no later turn has, or
/// null.</param>
internal sealed record RunPrompt(
    string Dialect,
    IReadOnlyList<ChatMessage> Messages,
    string? Previous = null,
    JsonObject? Asked = null,
    string? Instructions = null
)
{
    /// <summary>The prompt in place of that of a run that was deleted: the run is no part of a conversation from then
    /// on, but the turns before it are.</summary>
    public static RunPrompt Deleted { get; } = new("deleted", []);

    public bool IsDeleted => Dialect == Deleted.Dialect;

    /// <summary>Returns what the model is asked: a conversation, after the instructions.</summary>
    public List<ChatMessage> Question(IEnumerable<ChatMessage> conversation) =>
        Instructions is { Length: > 0 } text
            ? [new ChatMessage(ChatRole.System, text), .. conversation]
            : [.. conversation];
}
