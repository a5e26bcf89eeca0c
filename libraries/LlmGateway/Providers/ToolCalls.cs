namespace LlmGateway.Providers;

/// <summary>Converts tool calls from and to JSON. The text of the arguments stays as the model wrote it.</summary>
internal static class ToolCalls
{
    /// <summary>Property of a call with the text of arguments that are not an object. The call's JSON has no other
    /// place for it.</summary>
    private const string Unread = "unreadArguments";

    /// <summary>Levels around arguments in a stored prompt, where they are deepest: prompt, messages, message,
    /// contents, content.</summary>
    private const int Around = 5;

    /// <summary>Most levels of arguments that clients get. Deeper ones than the store takes are text there, but an
    /// object to them.</summary>
    private const int MaxShownDepth = 1_000;

    /// <summary>Reads a call. Arguments that are not an object, or too deep, are the model's mistake: they stay text,
    /// and the tool's caller reports the mistake.</summary>
    public static FunctionCallContent Parse(string id, string name, string arguments) =>
        Storable(
            new(
                id,
                name,
                Object(arguments)
                    ?.ToDictionary(
                        member => member.Key,
                        object? (member) => member.Value?.Deserialize(NodeJson.Default.JsonElement)
                    )
            )
            {
                RawRepresentation = arguments,
            }
        );

    /// <summary>Returns the call, with its arguments as text if its JSON would lose them and so become a call without
    /// arguments.</summary>
    public static FunctionCallContent Storable(FunctionCallContent call) =>
        call.Arguments is null && Arguments(call) is { Length: > 0 } text
            ? new FunctionCallContent(call.CallId, call.Name)
            {
                AdditionalProperties = new(call.AdditionalProperties ?? new()) { [Unread] = text },
                Annotations = call.Annotations,
                Exception = call.Exception,
                InformationalOnly = call.InformationalOnly,
                RawRepresentation = call.RawRepresentation,
            }
            : call;

    /// <summary>Returns the arguments as JSON text, or an empty text if there are none. If a chat client could not
    /// parse the model's text, that text is lost.</summary>
    public static string Arguments(FunctionCallContent call) =>
        call.RawRepresentation as string
        ?? (
            call.Arguments is { } arguments ? RunJson.Write(arguments)
            : call.AdditionalProperties?.GetValueOrDefault(Unread) is { } text ? $"{text}"
            : call.Exception is null ? ""
            : "(not JSON)"
        );

    /// <summary>
    /// Returns the arguments as an object, or as the model's text if they are not an object. An empty object would make
    /// the caller run the tool without arguments.
    /// </summary>
    public static JsonNode InputOrText(FunctionCallContent call) => InputOrText(Arguments(call));

    /// <inheritdoc cref="InputOrText(FunctionCallContent)"/>
    public static JsonNode InputOrText(string arguments) => (JsonNode?)Object(arguments) ?? arguments;

    /// <summary>Returns the arguments as an object, or null if they are not an object, or too deep to be written within
    /// a stored prompt.</summary>
    public static JsonObject? Object(string arguments, int maxDepth = ParsedJson.MaxDepth - Around)
    {
        try
        {
            var json = WireJson.Parse(arguments, maxDepth) as JsonObject;
            json?.ToJsonString();
            return json;
        }
        catch (InvalidOperationException)
        {
            return null; // half of a surrogate pair
        }
    }

    /// <summary>Checks the calls that a client is to run.</summary>
    /// <exception cref="UpstreamException">The arguments of one are not a JSON object: Microsoft's client would run the
    /// tool without them, and Anthropic's with a part of them.</exception>
    public static void Check(IEnumerable<FunctionCallContent> calls)
    {
        foreach (var call in calls)
            if (Arguments(call) is { Length: > 0 } arguments && Object(arguments, MaxShownDepth) is null)
                throw UpstreamException.Incomplete($"the arguments of {call.Name} are no JSON object.");
    }

    /// <summary>Returns true for a declared tool without parameters.</summary>
    public static bool TakesNothing(string name, ChatOptions? chat) =>
        chat?.Tools?.OfType<AIFunctionDeclaration>().FirstOrDefault(tool => tool.Name == name)
            is { JsonSchema: { ValueKind: JsonValueKind.Object } schema }
        && schema
            .EnumerateObject()
            .All(member =>
                member.Name switch
                {
                    "properties" => member.Value is { ValueKind: JsonValueKind.Object } all
                        && all.GetPropertyCount() == 0,
                    "additionalProperties" => member.Value.ValueKind == JsonValueKind.False,
                    "$schema" or "type" or "title" or "description" or "required" => true,
                    _ => false,
                }
            );

    /// <summary>Removes calls without a result, which no model takes, and messages that have nothing else.</summary>
    public static void LeaveOutOpen(List<ChatMessage> messages)
    {
        var ended = messages
            .SelectMany(m => m.Contents)
            .OfType<FunctionResultContent>()
            .Select(r => r.CallId)
            .ToHashSet();
        for (var i = 0; i < messages.Count; i++)
        {
            // The request's own message is not changed, because it is stored with all its contents.
            messages[i] = messages[i].Clone();
            messages[i].Contents =
            [
                .. messages[i].Contents.Where(c => c is not FunctionCallContent call || ended.Contains(call.CallId)),
            ];
        }

        messages.RemoveAll(message => message.Contents.All(content => content is TextReasoningContent));
    }

    /// <summary>Makes the result of a call for the model: text as it is, and anything else as JSON.</summary>
    public static FunctionResultContent ResultOf(string call, object? output) =>
        new(call, Result(new FunctionResultContent(call, output)));

    public static string Result(FunctionResultContent result) =>
        result.Result switch
        {
            null => "",
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
            var other => RunJson.Write(other),
        };
}
