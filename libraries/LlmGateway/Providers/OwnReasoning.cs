namespace LlmGateway.Providers;

/// <summary>
/// Marks a model's reasoning with the provider that made it, which must get it back with the calls that follow, signed
/// or encrypted as it was; no other one takes it. Clients return the mark and the data as one opaque text:
/// <code>aspire-sse:local:{"tool_calls":[{"id":"c1","extra_content":{"google":{"thought_signature":"…"}}}]}</code>
/// </summary>
internal static class OwnReasoning
{
    private const string Prefix = "aspire-sse:";
    private const string Maker = "provider";

    /// <summary>Makes the opaque text for clients.</summary>
    /// <param name="provider">The provider that made the reasoning.</param>
    /// <param name="data">The data that only the provider can read, or null if there are none.</param>
    public static string Pack(string provider, string? data) => $"{Prefix}{provider}:{data}";

    public static bool IsPacked(string? text) => text?.StartsWith(Prefix, StringComparison.Ordinal) == true;

    /// <summary>Returns the reasoning that a client sends back, or null if nobody knows which provider made
    /// it.</summary>
    public static TextReasoningContent? Unpack(string? text, string? packed)
    {
        if (!IsPacked(packed) || packed![Prefix.Length..].Split(':', 2) is not [var provider, var data])
            return null;

        var reasoning = new TextReasoningContent(text) { ProtectedData = data.Length > 0 ? data : null };
        Mark(reasoning, provider);
        return reasoning;
    }

    /// <summary>Marks the reasoning in messages of a provider.</summary>
    public static void Mark(IEnumerable<ChatMessage> messages, string? provider)
    {
        if (provider is null)
            return;
        foreach (var message in messages)
        foreach (var reasoning in message.Contents.OfType<TextReasoningContent>())
            Mark(reasoning, provider);
    }

    /// <summary>Returns messages for a provider: without the reasoning of other ones, and without messages that have
    /// nothing but reasoning.</summary>
    public static List<ChatMessage> For(string provider, IEnumerable<ChatMessage> messages)
    {
        return [.. messages.Where(message => message.Contents is [] || !message.Contents.All(IsReasoning)).Select(Own)];

        ChatMessage Own(ChatMessage message)
        {
            if (message.Contents.All(IsForProvider))
                return message;

            var own = message.Clone();
            own.Contents = [.. message.Contents.Where(IsForProvider)];
            return own;
        }

        // A mark that was stored is JSON.
        bool IsForProvider(AIContent content) =>
            !IsReasoning(content) || $"{content.AdditionalProperties?.GetValueOrDefault(Maker)}" == provider;
    }

    private static bool IsReasoning(AIContent content) => content is TextReasoningContent;

    private static void Mark(TextReasoningContent reasoning, string provider) =>
        (reasoning.AdditionalProperties ??= [])[Maker] = provider;
}
