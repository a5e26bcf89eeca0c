using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>
/// OpenAI's format. Frames have no names, and while the provider is silent the stream has a comment. Errors are
/// <c>{"error":{"message","type","param","code"}}</c>.
/// </summary>
internal sealed class ChatCompletionsFormat : VendorFormat
{
    public static ChatCompletionsFormat Instance { get; } = new();

    public override byte[] Done { get; } = VendorFrame.Of("[DONE]");

    public override ChatCall Read(JsonElement body, IHeaderDictionary headers, ChatProviders providers) =>
        ChatCompletionsRequestReader.Read(body, providers);

    public override IAnswerWriter Respond(ChatCall call, JsonElement body, TimeProvider clock)
    {
        // An answer without streaming always has its usage; a stream has it on request.
        var includeUsage =
            !ChatBody.Flag(body, "stream")
            || ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
                && ChatBody.Flag(streamOptions, "include_usage");
        return new ChatCompletionsWriter(call, includeUsage, clock);
    }

    public override JsonObject Body(VendorError error) => OpenAiError.Body(error);
}
