namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>
/// OpenAI's format. Frames have no names, and while the provider is silent the stream has a comment. Errors are
/// <c>{"error":{"message","type","param","code"}}</c>.
/// </summary>
internal sealed class ChatCompletionsFormat : VendorFormat
{
    public static ChatCompletionsFormat Instance { get; } = new();

    public override byte[] Done { get; } = VendorFrame.Of("[DONE]");

    public override JsonObject Body(VendorError error) => OpenAiError.Body(error);
}
