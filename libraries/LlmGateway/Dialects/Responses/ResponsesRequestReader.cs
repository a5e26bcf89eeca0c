using System.Runtime.InteropServices;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Requests;

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

    private static readonly RequestTable Table = new()
    {
        Roles = ["system", "developer", "user", "assistant"],
        Parts = new()
        {
            ["input_text"] = RequestParts.Text,
            ["output_text"] = RequestParts.Text,
            ["refusal"] = RequestParts.Refusal,
            ["input_image"] = part => RequestParts.Image(part, part, "image_url"),
        },
        Messages = "input",
        MaxTokens = ["max_output_tokens"],
        Formats = ["text.format"],
        // The others choose the model, the messages and the delivery of the answer, or are hints. max_tool_calls limits
        // built-in tools, which this server lacks.
        Members =
        [
            .. Echoed,
            .. (
                "include input max_tool_calls model previous_response_id prompt_cache_key prompt_cache_options "
                + "prompt_cache_retention provider safety_identifier stream stream_options"
            ).Split(' '),
        ],
        Refused = "context_management conversation moderation prompt top_logprobs truncation".Split(' '),
        Defaults = new() { ["truncation"] = "disabled" },
        Inner = new()
        {
            ["message"] = "type id status role content phase".Split(' '),
            ["input_text"] = "type text prompt_cache_breakpoint".Split(' '),
            ["output_text"] = "type text annotations logprobs parsed".Split(' '),
            ["refusal"] = "type refusal".Split(' '),
            ["input_image"] = "type image_url file_id detail prompt_cache_breakpoint".Split(' '),
            ["function_call"] = (
                "type id status call_id name arguments namespace caller created_by parsed_arguments"
            ).Split(' '),
            ["function_call_output"] = "type id status call_id output caller created_by".Split(' '),
            ["reasoning"] = "type id status summary content encrypted_content".Split(' '),
            ["summary_text"] = "type text".Split(' '),
            ["item_reference"] = "type id".Split(' '),
        },
    };

    /// <param name="body">The request.</param>
    /// <param name="past">The runs and items that the request refers to.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid, or means nothing to the
    /// provider.</exception>
    public static (ChatCall Call, RunPrompt Prompt) Read(RequestValue body, ResponsesPast past, ChatProviders providers)
    {
        var target = RequestReader.Target(body, providers);
        CheckInclude(body, target);
        CheckRepeated(body);

        var input = ResponsesInput.Read(body, past, Table);
        List<ChatMessage> messages = [.. past.Messages, .. input];
        ToolCalls.LeaveOutOpen(messages);
        if (messages.Count == 0)
            throw new InvalidChatException("input", "must hold more than calls without a result.");

        var prompt = new RunPrompt(ResponseId.Dialect, input, past.Previous, EchoOf(body), body.Text("instructions"));
        return (RequestReader.Call(body, target, Table, prompt.Question(messages), past: past.Bytes), prompt);
    }

    /// <summary>Reads a request for an application's run.</summary>
    /// <exception cref="InvalidChatException">A member is missing or invalid, or refers to an item of an earlier
    /// response. The exception names it.</exception>
    public static RunRequest OfRun(RequestValue body)
    {
        return RunRequest.Of(body, Table, ResponsesInput.Read(body, past: null, Table), instructions: "instructions");
    }

    private static void CheckInclude(RequestValue body, ChatTarget target)
    {
        foreach (var item in body.Items("include", ChatBody.MaxTools))
            if (item.IsText && item.AsText() == "message.output_text.logprobs")
                throw InvalidChatException.Untranslatable("include", target.Provider);
    }

    /// <summary>Checks the members that are only repeated, since a client could not parse a response that repeats a
    /// malformed member.</summary>
    private static void CheckRepeated(RequestValue body)
    {
        if (body.Get("metadata")?.AsObject() is { } metadata)
        {
            var names = metadata.Json.EnumerateObject().Select(member => member.Name).ToList();
            if (names.Count > MaxMetadata || names.Exists(name => name.Length > MaxMetadataName))
                throw metadata.Invalid($"has at most {MaxMetadata} names of at most {MaxMetadataName} characters.");
            foreach (var name in names)
                metadata.Name(name, MaxMetadataText);
        }

        body.Get("reasoning")?.AsObject();
        body.Name("service_tier");
        body.Name("user");
    }

    private static JsonObject EchoOf(RequestValue body)
    {
        var echo = new JsonObject();
        foreach (var name in Echoed)
            if (
                body.Get(name) is { Json: var value }
                && JsonMarshal.GetRawUtf8Value(value).Length <= MaxEcho
                && WireJson.Parse(value.GetRawText(), MaxEchoDepth) is { } repeated
            )
                echo[name] = repeated;
        return echo;
    }
}
