using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.OpenAi;

/// <summary>
/// Reads the chunks of OpenAI's API:
/// <code>
/// {"id":"…","model":"…","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
/// </code>
/// </summary>
/// <inheritdoc cref="AnswerReader"/>
internal sealed class OpenAiAnswer(ChatOptions? chat, bool isNative) : AnswerReader(chat, isNative)
{
    /// <summary>Number of the call in OpenAI's old member <c>function_call</c>, which has one call and no
    /// number.</summary>
    private const int OnlyCall = -1;

    /// <summary>Members of a message that are read, and written anew for clients of the same API.</summary>
    private static readonly string[] Rewritten =
        "content refusal reasoning_content reasoning thinking tool_calls".Split(' ');

    /// <summary>Members of a message that are read. Clients of the same API get the others of them as they
    /// came.</summary>
    private static readonly string[] OfMessage = [.. Rewritten, .. "reasoning_details function_call".Split(' ')];

    /// <summary>Members of a choice that are read.</summary>
    private static readonly string[] OfChoice = "index delta message text finish_reason".Split(' ');

    /// <summary>Members of a call that are read.</summary>
    private static readonly string[] OfCall = "index id type function custom name arguments input".Split(' ');

    private bool _isReasoningNamed;

    protected override JsonObject? ReadEvent(JsonElement data)
    {
        Id ??= Text(data, "id");
        Model ??= Text(data, "model");
        IsEnded |= Is(data, "type", "message_stop");
        var choice = FirstChoice(data);
        SetUsage(Object(data, "usage") ?? Object(Get(data, "x_groq"), "usage") ?? Object(choice, "usage"));

        JsonObject? frame = IsNative ? [] : null;
        Copy(data, frame, choice is null ? [] : ["choices"]);
        var choices = Get(data, "choices") is { ValueKind: JsonValueKind.Array } list ? list : (JsonElement?)null;
        ReadMembers(data, choices is null ? [] : ["choices"], IsNative && choice is not null);
        // What is still held must come, even if the provider gives no reason for the end.
        if (choice is not null || (IsNative && IsEnded && Calls.Any(call => call.IsPlaceholder)))
        {
            var built = ReadChoice(choice);
            frame?["choices"] = new JsonArray(built);
        }
        else if (choices is not null)
        {
            if (Items(choices).Any(one => one.ValueKind != JsonValueKind.Object))
                Skip("choices", isShown: false);
            frame?["choices"] = new JsonArray();
        }

        return frame;
    }

    private static JsonElement? FirstChoice(JsonElement data)
    {
        foreach (var choice in Items(Get(data, "choices")))
            if (choice.ValueKind == JsonValueKind.Object && Number(choice, "index") is not > 0)
                return choice;
        return null;
    }

    /// <summary>Reads a choice, and returns it in OpenAI's form for a client of the same API.</summary>
    private JsonObject? ReadChoice(JsonElement? choice)
    {
        JsonObject? shown = IsNative ? [] : null;
        if (Get(choice, "delta") is { } delta)
            ReadMessage(ObjectOf(delta, "delta"), shown, isWhole: false);
        // An answer without streaming has a message. Some servers send one in place of each delta, with all the text.
        if (Get(choice, "message") is { } message)
            ReadMessage(ObjectOf(message, "message"), shown, isWhole: true);
        if (Get(choice, "text") is { } text)
            ReadMessage(ElementOf(new JsonObject { ["content"] = NodeOf(text) }), shown, isWhole: false);

        if (choice is { } members)
            ReadMembers(members, OfChoice, IsNative);

        var reason = Get(choice, "finish_reason");
        var isEnd = SetFinish(reason);
        if (shown is null)
            return null;

        if (isEnd || IsEnded)
            foreach (var call in Calls.Where(call => call.IsPlaceholder))
                Append(shown, "tool_calls", CallOf(call, call.TakeHeld()));

        JsonObject built = [];
        Copy(choice, built, OfChoice);
        built["index"] = 0;
        built["delta"] = shown;
        built["finish_reason"] =
            Text(reason) == "function_call" ? "function_call"
            : isEnd ? FinishReason.Value
            : null;
        return built;
    }

    /// <summary>Reads a delta, or a message in its place.</summary>
    /// <param name="message">The delta.</param>
    /// <param name="shown">Gets what is new, in OpenAI's form. Null if the client uses another API.</param>
    /// <param name="isWhole">True for a message: it may have the text so far once more.</param>
    private void ReadMessage(JsonElement message, JsonObject? shown, bool isWhole)
    {
        ReadText(Get(message, "content"), NewText);
        if (!NewRefusal.HasMore)
            ReadText(Get(message, "refusal"), NewRefusal);
        // These are the names of DeepSeek, OpenRouter and Ollama. Some servers send two of them.
        foreach (var name in (ReadOnlySpan<string>)["reasoning_content", "reasoning", "thinking"])
            if (!NewReasoning.HasMore)
                ReadText(Get(message, name), NewReasoning);
        ReadDetails(Get(message, "reasoning_details"), NewReasoning.HasMore);
        foreach (var text in (ReadOnlySpan<AnswerText>)[NewText, NewRefusal, NewReasoning])
            text.Keep(isWhole);

        if (Get(message, "tool_calls") is { } calls)
            ReadCalls(calls, shown, isWhole);
        if (IsNative && Get(message, "function_call") is not null)
            Skip("function_call", isShown: true);
        else if (Object(message, "function_call") is { } old)
            AddToCall(OnlyCall, id: null, Name(old, "name"), PieceOf(Get(old, "arguments")));
        ReadMembers(message, OfMessage, IsNative);
        if (shown is not null)
            Show(message, shown);
    }

    /// <summary>Adds the members of a message to a delta for a client of the same API.</summary>
    private void Show(JsonElement message, JsonObject shown)
    {
        Copy(message, shown, Rewritten);
        foreach (var part in Items(Get(message, "content")))
        {
            if (AnswerParts.ImageOf(part) is not null)
                Append(shown, "images", NodeOf(part)!);
            foreach (var source in Sources.SelectMany(name => Items(Get(part, name))))
                Append(shown, "annotations", NodeOf(source)!);
        }

        if (NewText.Length > 0 || message.TryGetProperty("content", out _))
            shown["content"] = NewText.Length == 0 && Get(message, "content") is null ? null : $"{NewText}";
        if (NewRefusal.Length > 0 || message.TryGetProperty("refusal", out _))
            shown["refusal"] = NewRefusal.Length > 0 ? $"{NewRefusal}" : null;
        foreach (var name in (ReadOnlySpan<string>)["reasoning", "reasoning_content"])
            if (
                NewReasoning.Length > 0
                && (Get(message, name) is not null || (name != "reasoning" && !shown.ContainsKey("reasoning")))
            )
                shown[name] = $"{NewReasoning}";
    }

    /// <summary>Reads OpenRouter's details of the reasoning: texts, summaries, and what is opaque.</summary>
    private void ReadDetails(JsonElement? details, bool isNamed)
    {
        _isReasoningNamed |= isNamed;
        foreach (var detail in Items(details))
        {
            var text = Get(detail, "text") ?? Get(detail, "summary");
            var isOpaque = Text(detail, "data") is not null || Text(detail, "signature") is not null;
            // Beside a name the details have the same text. After it they may have all of it once more.
            if (!isNamed && !(_isReasoningNamed && NewReasoning.IsSoFar(Text(text))))
                ReadText(text, NewReasoning);
            if (isOpaque)
                Protect("reasoning_details", NodeOf(detail)!);
            else if (text is null && Text(detail, "type")?.StartsWith("reasoning.", StringComparison.Ordinal) != true)
                Skip("reasoning_details", IsNative);
        }
    }

    private void ReadCalls(JsonElement calls, JsonObject? shown, bool isWhole)
    {
        if (calls.ValueKind != JsonValueKind.Array)
            throw Unknown("tool call");

        foreach (var (position, call) in calls.EnumerateArray().Index())
            if (call.ValueKind != JsonValueKind.Null && !(isWhole && IsKnown(call, position)))
            {
                var read = ReadCall(ObjectOf(call, "tool call"));
                if (shown is not null)
                    Append(shown, "tool_calls", read);
            }
    }

    /// <summary>Returns true for a call that is known already, of a message with all calls so far.</summary>
    private bool IsKnown(JsonElement call, int position)
    {
        var function = Object(call, "function") ?? call;
        return Calls.ElementAtOrDefault(position) is { } known
            && known.Name == Name(function, "name")
            && known.HasArguments(PieceOf(Get(function, "arguments")));
    }

    /// <summary>Reads a delta of a call, and returns it in OpenAI's form: clients tell calls apart by number, and
    /// append whatever a later delta repeats.</summary>
    private JsonObject ReadCall(JsonElement call)
    {
        var custom = Object(call, "custom");
        if (custom is not null && !IsNative)
            throw Unknown("tool call");

        var inner = custom ?? Object(call, "function");
        var function = inner ?? call;
        var arguments = PieceOf(Get(function, "arguments") ?? Get(function, "input"));
        var known = AddToCall(Number(call, "index"), Name(call, "id"), Name(function, "name"), arguments);
        known.TakesText |= custom is not null;

        JsonObject opaque = [];
        Copy(call, opaque, OfCall);
        var kind = known.TakesText ? "custom" : "function";
        var shown = CallOf(known, known.Taken);
        foreach (var (name, value) in opaque)
            shown[name] = value?.DeepClone();
        if (opaque.Any(member => member.Value is not null))
        {
            opaque["id"] = known.Id;
            Protect("tool_calls", opaque);
        }

        Copy(inner, shown[kind]!.AsObject(), OfCall);
        if (!known.IsShown)
        {
            shown["id"] = known.Id;
            shown["type"] = kind;
            shown[kind]!["name"] = known.Name ?? "";
        }

        return shown;
    }

    /// <summary>Returns a piece of arguments, which some servers send as an object in place of its text.</summary>
    private static string PieceOf(JsonElement? arguments) =>
        arguments is { } json ? Text(json) ?? NodeOf(json)!.ToJsonString(RunJson.Options) : "";

    private static JsonObject CallOf(ToolCallDelta call, string arguments)
    {
        JsonObject function = [new(call.TakesText ? "input" : "arguments", arguments)];
        return [new("index", call.Ordinal), new(call.TakesText ? "custom" : "function", function)];
    }
}
