using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.Responses;

/// <summary>Reads the body of a request for a response.</summary>
internal static class ResponsesRequestReader
{
    /// <summary>Most bytes of JSON of a member that the response repeats. Each reader gets the member three
    /// times.</summary>
    private const int MaxEcho = 16 * 1024;

    /// <summary>Most levels of such a member. A stored prompt has the member within two objects, and so does an
    /// event.</summary>
    private const int MaxEchoDepth = ParsedJson.MaxDepth - 2;

    /// <summary>OpenAI's own limits of <c>metadata</c>.</summary>
    private const int MaxMetadata = 16,
        MaxMetadataName = 64,
        MaxMetadataText = 512;

    /// <summary>Members that the response repeats.</summary>
    private static readonly string[] Echoed = (
        "background instructions max_output_tokens metadata parallel_tool_calls reasoning service_tier store "
        + "temperature text tool_choice tools top_p user"
    ).Split(' ');

    /// <summary>Members that choose the model, the messages and the delivery of the answer, and hints.
    /// <c>max_tool_calls</c> has no effect, because it limits built-in tools, which this server lacks.</summary>
    private static readonly string[] Others = (
        "include input max_tool_calls model previous_response_id prompt_cache_key prompt_cache_retention provider "
        + "safety_identifier stream stream_options"
    ).Split(' ');

    /// <param name="body">The request.</param>
    /// <param name="past">The runs and items that the request refers to.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid, or means nothing to the
    /// provider.</exception>
    public static (ChatCall Call, RunPrompt Prompt) Read(JsonElement body, ResponsesPast past, ChatProviders providers)
    {
        var model =
            ChatBody.Name(body, "model")
            ?? throw new InvalidChatException("model", "you must provide a model parameter");
        var target = providers.Resolve(ChatBody.Name(body, "provider"), model);
        RefuseUntranslatable(body, target);
        CheckRepeated(body);

        var input = ResponsesInput.Read(body, past);
        List<ChatMessage> messages = [.. past.Messages, .. input];
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException("input", "must hold more than calls without a result.");

        var instructions = ChatBody.Text(body, "instructions");
        var prompt = new RunPrompt(ResponsesFormat.Name, input, past.Previous, EchoOf(body), instructions);
        var call = new ChatCall(target, prompt.Question(messages), Options(body, target))
        {
            Bytes = past.Bytes + ChatBody.MemoryOf(body),
        };
        return (call, prompt);
    }

    private static CallOptions Options(JsonElement body, ChatTarget target)
    {
        var options = new CallOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = ChatBody.Count(body, "max_output_tokens"),
            Temperature = ChatBody.Number(body, "temperature", 2),
            TopP = ChatBody.Number(body, "top_p", 1),
            AllowMultipleToolCalls = ChatBody.OptionalFlag(body, "parallel_tool_calls"),
        };

        ChatOptionsReader.ReadTools(body, options, isNative: false, nested: null);
        if (ChatBody.Get(body, "text") is { } text)
        {
            if (text.ValueKind != JsonValueKind.Object)
                throw new InvalidChatException("text", "must be an object");
            if (ChatBody.Get(text, "format") is { } format)
                AnswerSchema.Set(options, target, "text.format", format);
        }

        return options;
    }

    /// <summary>Refuses members that this server does not know or support, such as a conversation, a prompt stored at
    /// the vendor, or automatic truncation of the input.</summary>
    private static void RefuseUntranslatable(JsonElement body, ChatTarget target)
    {
        foreach (var member in body.EnumerateObject())
            if (
                !Echoed.Contains(member.Name)
                && !Others.Contains(member.Name)
                && member.Value.ValueKind != JsonValueKind.Null
                && !ChatBody.IsDefault(member.Name, member.Value)
                && !(member.NameEquals("truncation") && ChatBody.Text(body, member.Name) == "disabled")
            )
                throw InvalidChatException.Untranslatable(member.Name, target.Provider);

        var include = ChatBody.List(body, "include", ChatBody.MaxTools, "must be an array");
        foreach (var item in include?.EnumerateArray() ?? [])
            if (item.ValueKind == JsonValueKind.String && item.ValueEquals("message.output_text.logprobs"))
                throw InvalidChatException.Untranslatable("include", target.Provider);
    }

    /// <summary>Checks the members that are only repeated, since a client could not parse a response that repeats a
    /// malformed member.</summary>
    private static void CheckRepeated(JsonElement body)
    {
        if (ChatBody.Get(body, "metadata") is { } metadata)
        {
            var members = ChatBody.Object(metadata, "metadata").EnumerateObject().ToList();
            if (members.Count > MaxMetadata || members.Any(m => m.Name.Length > MaxMetadataName))
                throw new InvalidChatException(
                    "metadata",
                    $"has at most {MaxMetadata} names of at most {MaxMetadataName} characters."
                );
            foreach (var member in members)
                ChatBody.Name(metadata, member.Name, "metadata.", MaxMetadataText);
        }

        if (ChatBody.Get(body, "reasoning") is { } reasoning)
            ChatBody.Object(reasoning, "reasoning");
        ChatBody.Name(body, "service_tier");
        ChatBody.Name(body, "user");
    }

    private static JsonObject EchoOf(JsonElement body)
    {
        var echo = new JsonObject();
        foreach (var name in Echoed)
            if (
                ChatBody.Get(body, name) is { } value
                && JsonMarshal.GetRawUtf8Value(value).Length <= MaxEcho
                && WireJson.Parse(value.GetRawText(), MaxEchoDepth) is { } repeated
            )
                echo[name] = repeated;
        return echo;
    }
}
