namespace LlmGateway.Requests;

/// <summary>Reads the options of a request of any API, by the API's table.</summary>
internal static class OptionsReader
{
    private const string NoSuchTool = "must be none, auto, required, or name a tool that the request has.";

    private static readonly JsonElement NoSchema = JsonElement.Parse("{}");

    /// <param name="body">The request.</param>
    /// <param name="target">The model.</param>
    /// <param name="table">The names of the request's API.</param>
    /// <param name="more">Tools beside those of the request.</param>
    /// <exception cref="InvalidChatException">A member is invalid, or means nothing to the provider.</exception>
    public static CallOptions Read(
        RequestValue body,
        ChatTarget target,
        RequestTable table,
        IEnumerable<AITool>? more = null
    )
    {
        var isNative = table.IsNative(target);
        if (!isNative)
            CheckMembers(body, target, table);
        if (body.Count("n") is > 1)
            throw new InvalidChatException("n", "must be 1: only one answer per request is supported");

        body.Flag("stream");
        List<AITool> tools = [.. Tools(body, table, isNative), .. more ?? []];
        var options = new CallOptions
        {
            ModelId = target.Model,
            MaxOutputTokens = table.MaxTokens.Select(body.Count).FirstOrDefault(count => count is not null),
            Temperature = body.Number("temperature", table.MaxTemperature),
            TopP = body.Number("top_p", 1),
            StopSequences = Stops(body, table),
            AllowMultipleToolCalls = body.Flag("parallel_tool_calls"),
            Tools = tools.Count > 0 ? tools : null,
            NativeBody = isNative ? body.Json : null,
        };

        ReadChoice(body, options, table);
        if (!isNative)
        {
            ReadFormat(body, target, options, table);
            options.Routing = RoutingOf(body, target);
        }

        return options;
    }

    /// <summary>Refuses unknown members, and members that change the answer and that another vendor's API lacks. Hints
    /// are ignored.</summary>
    private static void CheckMembers(RequestValue body, ChatTarget target, RequestTable table)
    {
        if (!table.IgnoresUnknown)
        {
            table.Names.Check(body);
            foreach (var name in (ReadOnlySpan<string>)[table.Messages, "system"])
                table.Names.CheckObjects(body.Get(name), "message");
            table.Names.CheckObjects(body.Get("tools"), ".tools");
        }

        foreach (var name in table.Names.Refused)
            if (body.Get(name) is { } value && !IsDefault(value, table.Defaults.GetValueOrDefault(name)))
                throw InvalidChatException.Untranslatable(name, target.Provider);
    }

    /// <summary>Returns true if a member changes nothing: it is false, an empty list, or asks for the
    /// default.</summary>
    /// <param name="value">The member.</param>
    /// <param name="word">The default, as the member's text or type, or <see cref="RequestTable.Empty"/>: an empty
    /// object may be a wish, such as that of a search.</param>
    public static bool IsDefault(RequestValue value, string? word = null) =>
        value.Json.ValueKind switch
        {
            JsonValueKind.False => true,
            JsonValueKind.String => value.AsText() == word,
            JsonValueKind.Array => value
                .Json.EnumerateArray()
                .All(v => v.ValueKind == JsonValueKind.String && v.ValueEquals("text")),
            JsonValueKind.Object => value.Json.EnumerateObject().Any()
                ? value.Get("type") is { IsText: true } type && type.AsText() == word
                : word == RequestTable.Empty,
            _ => false,
        };

    /// <summary>Reads the tools that the client runs. Other tools reach only a provider with the same API, in the
    /// original body.</summary>
    public static IEnumerable<AITool> Tools(RequestValue body, RequestTable table, bool isNative = false) =>
        body.Items("tools", ChatBody.MaxTools).Select(tool => Tool(tool, table, isNative)).OfType<AITool>();

    private static AIFunctionDeclaration? Tool(RequestValue tool, RequestTable table, bool isNative)
    {
        var type = tool.AsObject().Name("type");
        if (type != table.ToolType && (table.HasToolTypes || type is not null))
            return isNative
                ? null
                : throw new InvalidChatException(
                    tool.PathOf("type"),
                    $"must be {table.ToolType}: {string.Format(null, table.ToolsPassedOn, type ?? "another type")}"
                );

        var function = table.Tool is null ? tool : tool.Required(table.Tool).AsObject();
        var name = function.RequiredName("name", table.MaxToolName);
        var schema = function.Get(table.ToolSchema)?.AsObject().Json ?? NoSchema;
        return AIFunctionFactory.CreateDeclaration(name, function.Text("description"), schema, null);
    }

    /// <summary>
    /// Reads the choice among the tools, which OpenAI's and Anthropic's APIs write so:
    /// <code>
    /// "auto"   {"type":"function","function":{"name":"f"}}   {"type":"allowed_tools","allowed_tools":{…}}
    /// {"type":"any","disable_parallel_tool_use":true}        {"type":"tool","name":"f"}
    /// </code>
    /// </summary>
    private static void ReadChoice(RequestValue body, CallOptions options, RequestTable table)
    {
        if (body.Get("tool_choice") is not { } choice)
            return;

        var problem = choice.Invalid(NoSuchTool);
        if (choice.IsObject && choice.Flag("disable_parallel_tool_use") is { } isSingle)
            options.AllowMultipleToolCalls = !isSingle;
        options.ToolMode = choice.IsText
            ? choice.AsText() switch
            {
                "none" => ChatToolMode.None,
                "auto" => ChatToolMode.Auto,
                "required" => ChatToolMode.RequireAny,
                _ => throw problem,
            }
            : ((choice.IsObject ? choice : throw problem).Name("type") ?? table.ToolType) switch
            {
                "none" => ChatToolMode.None,
                "auto" => ChatToolMode.Auto,
                "any" => ChatToolMode.RequireAny,
                "function" or "tool" => ChatToolMode.RequireSpecific(NameOf(choice, table)),
                // A custom tool, or a list of tools.
                _ when options.NativeBody is not null => ChatToolMode.Auto,
                "allowed_tools" => Allow(choice.Get("allowed_tools") ?? choice, options, table, problem),
                _ => throw problem,
            };

        // A choice that no tool of the request fulfils.
        if (
            options is { NativeBody: null, ToolMode: RequiredChatToolMode { RequiredFunctionName: var name } }
            && options.Tools?.Any(tool => name is null || tool.Name == name) != true
        )
            throw problem;
    }

    /// <summary>Leaves the model only the allowed tools, and returns the mode.</summary>
    private static ChatToolMode Allow(RequestValue choice, CallOptions options, RequestTable table, Exception problem)
    {
        var names = choice.Items("tools", ChatBody.MaxTools).Select(tool => NameOf(tool.AsObject(), table)).ToList();
        var tools = (options.Tools ?? []).Where(tool => names.Contains(tool.Name)).ToList();
        if (names.Count == 0 || tools.Count < names.Distinct().Count())
            throw problem;

        options.Tools = tools;
        return choice.Name("mode") switch
        {
            "auto" => ChatToolMode.Auto,
            "required" => ChatToolMode.RequireAny,
            _ => throw problem,
        };
    }

    private static string NameOf(RequestValue tool, RequestTable table) =>
        ((table.Tool is null ? null : tool.Get(table.Tool)) ?? tool).AsObject().RequiredName("name");

    private static List<string>? Stops(RequestValue body, RequestTable table)
    {
        if (body.Get(table.Stop) is not { } stop)
            return null;

        var texts = stop.IsText ? [stop] : stop.Items(table.MaxStops);
        return texts.TrueForAll(text => text.AsText().Length <= ChatBody.MaxStopCharacters)
            ? [.. texts.Select(text => text.AsText())]
            : throw stop.Invalid($"has texts of at most {ChatBody.MaxStopCharacters} characters.");
    }

    /// <summary>
    /// Reads the format that a request asks of its answer, for a provider of another vendor. The vendors' APIs have the
    /// format, and the schema in it, in different places:
    /// <code>
    /// response_format       {"type":"json_schema","json_schema":{"name":"…","schema":{…},"strict":true}}
    /// text.format           {"type":"json_schema","name":"…","schema":{…},"strict":true}
    /// output_config.format  {"type":"json_schema","schema":{…}}
    /// </code>
    /// </summary>
    private static void ReadFormat(RequestValue body, ChatTarget target, CallOptions options, RequestTable table)
    {
        if (table.Formats.Select(path => Find(body, path)).FirstOrDefault(one => one is not null) is not { } format)
            return;
        var type = format.AsObject().Name("type");
        if (type == "text")
            return;

        // The demo model writes prose, and Anthropic's API has no JSON format without a schema.
        if (
            type is not ("json_schema" or "json_object")
            || target.Provider == "demo"
            || (type == "json_object" && target.Provider == "anthropic")
        )
            throw InvalidChatException.Untranslatable(format.Path, target.Provider);

        if (type == "json_object")
        {
            options.ResponseFormat = ChatResponseFormat.Json;
            return;
        }

        var named = table.FormatSchema is null ? format : format.Required(table.FormatSchema).AsObject();
        var schema = named.Required("schema").AsObject().Json;
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema(
            schema,
            named.Name("name"),
            named.Text("description")
        );
        options.HasStrictSchema = named.Flag("strict") ?? (table.IsStrict && ModelSchema.IsStrict(schema));
    }

    private static RequestValue? Find(RequestValue body, string path)
    {
        RequestValue? found = body;
        foreach (var name in path.Split('.'))
            found = found?.AsObject().Get(name);
        return found;
    }

    /// <summary>Returns the member <c>provider</c> that is for the provider, such as OpenRouter.</summary>
    private static JsonElement? RoutingOf(RequestValue body, ChatTarget target) =>
        body.Get("provider") is not { IsObject: true } routing ? null
        : target.Provider is "openai" or "local" ? routing.Json
        : throw InvalidChatException.Untranslatable("provider", target.Provider);
}
