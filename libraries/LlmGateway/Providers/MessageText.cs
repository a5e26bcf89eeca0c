using System.Text;

namespace LlmGateway.Providers;

/// <summary>The text of a message that has several parts, for an API that takes one text.</summary>
internal static class MessageText
{
    /// <summary>Joins the texts of a message. In an answer they are pieces of one text unless a call is between them;
    /// in other messages, an empty line separates them.</summary>
    public static string Of(ChatMessage message)
    {
        if (message.Role != ChatRole.Assistant)
            return Join(message.Contents);

        var text = new StringBuilder();
        var isAfterCall = false;
        foreach (var content in message.Contents)
        {
            if (content is TextContent { Text.Length: > 0 } piece)
            {
                text.Append(isAfterCall && text.Length > 0 ? "\n\n" : "").Append(piece.Text);
                isAfterCall = false;
            }

            isAfterCall |= content is FunctionCallContent;
        }

        return text.ToString();
    }

    /// <summary>Returns the beginning of a text, by default of a page, cut between characters.</summary>
    public static string Beginning(string text, int most = 2_000) =>
        text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];

    public static string Join(IEnumerable<AIContent> parts) =>
        string.Join("\n\n", parts.OfType<TextContent>().Select(part => part.Text).Where(text => text.Length > 0));
}
