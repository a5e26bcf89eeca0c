using LlmGateway.Providers;
using LlmGateway.Requests;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>Reads the body of a Chat Completions request.</summary>
internal static class ChatCompletionsRequestReader
{
    private static readonly RequestTable Table = RequestTable.ChatCompletions with { Natives = ["openai", "local"] };

    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(JsonElement json, ChatProviders providers)
    {
        var body = new RequestValue(json);
        var target = RequestReader.Target(body, providers);
        var messages = RequestReader.Messages(body, Table, target);
        return RequestReader.Call(target, Table, messages, OptionsReader.Read(body, target, Table));
    }

    /// <summary>Reads a request for an application's run.</summary>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static RunRequest OfRun(JsonElement json)
    {
        ChatCompletionsApi.HasUsage(json);
        var body = new RequestValue(json);
        return RunRequest.Of(body, Table, RequestReader.Messages(body, Table, target: null));
    }
}
