using System.Text.Json;
using LlmGateway.Providers;
using LlmGateway.Requests;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>Reads the body of a Chat Completions request.</summary>
internal static class ChatCompletionsRequestReader
{
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers)
    {
        var model =
            ChatBody.Name(body, "model")
            ?? throw new InvalidChatException("model", "you must provide a model parameter");
        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        var isNative = target.Provider is "openai" or "local";

        var messages = ChatMessageReader.Read(body);
        var options = ChatOptionsReader.Read(body, target, isNative);
        if (!isNative)
        {
            body.CheckMembers(ChatOptionsReader.Members);
            UntranslatableContent.Refuse(messages);
        }

        ChatBody.Flag(body, "stream");

        return new ChatCall(target, messages, options);
    }
}
