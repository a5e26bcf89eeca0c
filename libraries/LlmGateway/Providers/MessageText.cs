using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>The text of a message that has several parts, for an API that takes one.</summary>
internal static class MessageText
{
    /// <summary>Joins the parts of an answer, which are pieces of one text, and sets apart those of others.</summary>
    public static string Of(ChatMessage message) =>
        message.Role == ChatRole.Assistant ? message.Text : Join(message.Contents);

    public static string Join(IEnumerable<AIContent> parts) =>
        string.Join("\n\n", parts.OfType<TextContent>().Select(part => part.Text).Where(text => text.Length > 0));
}
