using System.Text.RegularExpressions;

namespace LlmGateway.Generations;

/// <summary>Makes the sentences for parts of an answer that an API cannot show, so that the user knows of
/// them.</summary>
internal static partial class UnshownContent
{
    /// <summary>Returns the text of an answer for a stream that has nothing but text. Reasoning and calls are no
    /// text.</summary>
    public static string TextOf(AIContent content)
    {
        var text = content switch
        {
            TextContent said => said.Text,
            TextReasoningContent or FunctionCallContent or FunctionResultContent or UsageContent => "",
            _ when content.GetType() == typeof(AIContent) && content.Annotations is { Count: > 0 } => "",
            _ => $"\n\n{Of(content)}\n\n",
        };
        return content.Annotations is null ? text : text + string.Concat(content.Annotations.Select(a => " " + Of(a)));
    }

    /// <inheritdoc cref="TextOf(AIContent)"/>
    public static string TextOf(ChatResponseUpdate update) =>
        update.Contents is [var only] ? TextOf(only) : string.Concat(update.Contents.Select(TextOf));

    /// <summary>Replaces the files in the model's own messages by sentences: no model takes them back.</summary>
    public static void TellFiles(IEnumerable<ChatMessage> messages)
    {
        foreach (var message in messages.Where(message => message.Role == ChatRole.Assistant))
            message.Contents =
            [
                .. message.Contents.Select(content =>
                    content is DataContent or UriContent ? new TextContent(Of(content)) : content
                ),
            ];
    }

    public static string Of(AIContent content) =>
        content switch
        {
            UriContent { Uri: { IsAbsoluteUri: true, Scheme: "http" or "https" } link } file =>
                $"[A file ({file.MediaType}): {link.OriginalString}]",
            UriContent file => Unshown($"A file ({file.MediaType})"),
            DataContent file => Unshown($"A file ({file.MediaType})"),
            HostedFileContent file => Unshown($"A file ({file.Name ?? file.MediaType ?? file.FileId})"),
            ToolApprovalRequestContent { ToolCall: FunctionCallContent call } =>
                $"[A call of {call.Name} waits for an approval, for which this API cannot ask.]",
            _ => Unshown($"A part of the answer ({KindOf(content)})"),
        };

    public static string Of(AIAnnotation annotation) =>
        annotation is not CitationAnnotation source ? Unshown($"A note to the text ({KindOf(annotation)})")
        : source.Url is null || source.Title is null ? $"[Source: {TitleOf(source)}]"
        : $"[Source: {source.Title}, {source.Url.OriginalString}]";

    public static string TitleOf(CitationAnnotation source) =>
        source.Title ?? source.Url?.OriginalString ?? source.FileId ?? source.Snippet ?? source.ToolName ?? "unknown";

    private static string Unshown(string part) => $"[{part} that this API cannot show.]";

    /// <summary>Returns the name of a type as words: <c>WebSearchToolCallContent</c> is a web search tool
    /// call.</summary>
    private static string KindOf(object part) =>
        part.GetType().Name is var name && name is nameof(AIContent) or nameof(AIAnnotation)
            ? "unknown"
            : Capitals().Replace(name.Replace("Content", "", StringComparison.Ordinal), " ").ToLowerInvariant();

    [GeneratedRegex("(?<=.)(?=[A-Z])")]
    private static partial Regex Capitals();
}
