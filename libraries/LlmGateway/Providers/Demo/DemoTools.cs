using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmGateway.Providers.Demo;

/// <summary>
/// Chooses the demo model's next tool call: the first unused tool that the prompt mentions by its name, or by a keyword
/// of its description (<c>Keywords: …</c>). Arguments come from the prompt too, by name and type.
/// </summary>
internal static partial class DemoTools
{
    /// <summary>Most parts that are read of a tool's schema and description, which may have megabytes, and of its
    /// results.</summary>
    private const int MaxParts = 64;

    private static readonly string[] Verbs = ["get", "find", "search", "look", "list", "read", "the", "for", "and"];

    public static FunctionCallContent? Next(
        string prompt,
        IReadOnlyList<FunctionCallContent> called,
        ChatOptions? options
    )
    {
        var id = $"call_{DemoText.Count(prompt)}_{called.Count + 1}";
        // Some patterns take time in proportion to the square of the length.
        prompt = MessageText.Beginning(prompt);

        var names = called.Select(c => c.Name).ToHashSet();
        var tools = options?.Tools?.OfType<AIFunctionDeclaration>().Where(t => !names.Contains(t.Name)).ToList() ?? [];
        var required = called.Count == 0 ? options?.ToolMode as RequiredChatToolMode : null;
        var tool =
            options?.ToolMode is NoneChatToolMode ? null
            : required?.RequiredFunctionName is { } name ? tools.Find(t => t.Name == name)
            : tools.Find(t => IsMentioned(t, prompt)) ?? (required is null ? null : tools.FirstOrDefault());
        if (tool is null)
            return null;

        var schema = tool.JsonSchema.ValueKind == JsonValueKind.Object ? JsonObject.Create(tool.JsonSchema) : null;
        var needed = WireJson.Array(schema, "required")?.Select(e => e?.ToString()).ToHashSet() ?? [];
        var arguments = (schema?["properties"] as JsonObject ?? [])
            .Where(property => needed.Count == 0 || needed.Contains(property.Key))
            .Take(MaxParts)
            .Select(property => KeyValuePair.Create(property.Key, Value(property.Key, property.Value, prompt)));
        return ToolCalls.Parse(id, tool.Name, new JsonObject(arguments).ToJsonString(RunJson.Options));
    }

    /// <summary>Returns a text with the results of tools, for the beginning of an answer.</summary>
    public static string Report(IReadOnlyList<FunctionCallContent> called, IEnumerable<AIContent> since) =>
        string.Concat(
            from result in since.OfType<FunctionResultContent>().Take(MaxParts)
            let name = called.FirstOrDefault(call => call.CallId == result.CallId)?.Name ?? "the tool"
            select $"{name} says: {MessageText.Beginning(Summary(ToolCalls.Result(result)), 300)} "
        );

    /// <summary>Shortens a tool's result: the names of a list, the text of an error, or all of it.</summary>
    private static string Summary(string result) =>
        WireJson.Parse(result) switch
        {
            JsonArray { Count: > 0 } list when list.All(item => WireJson.Get(item, "name") is not null) =>
                $"{string.Join(", ", list.Take(MaxParts).Select(item => item!["name"]))}.",
            JsonObject failed when failed["error"] is { } error => error.ToString(),
            _ => result,
        };

    private static bool IsMentioned(AIFunctionDeclaration tool, string prompt)
    {
        if (Arithmetic().IsMatch(prompt) && tool.Name.Contains("calc", StringComparison.OrdinalIgnoreCase))
            return true;

        var words = NameWords()
            .Matches(tool.Name)
            .Select(word => word.Value)
            .Where(word => word.Length > 2 && !Verbs.Contains(word, StringComparer.OrdinalIgnoreCase));
        var keywords = Keywords()
            .Match(MessageText.Beginning(tool.Description ?? ""))
            .Groups[1]
            .Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return words
            .Concat(keywords.Take(MaxParts))
            .Any(word =>
                word[0] > 127
                    ? prompt.Contains(word, StringComparison.Ordinal)
                    : Regex.IsMatch(prompt, $@"\b{Regex.Escape(word.TrimEnd('s'))}(e?s)?\b", RegexOptions.IgnoreCase)
            );
    }

    private static JsonNode? Value(string name, JsonNode? schema, string prompt)
    {
        if (WireJson.Array(schema, "enum") is { Count: > 0 } choices)
            return choices[0]?.DeepClone();

        // The type is one word, or a list such as ["integer","null"].
        var type = WireJson.Get(schema, "type")?.ToJsonString() ?? "";
        return Types().Match(type).Value switch
        {
            "integer" or "number" => long.TryParse(
                Number().Match(prompt).Value,
                CultureInfo.InvariantCulture,
                out var number
            )
                ? number
                : 1,
            "boolean" => true,
            "array" => new JsonArray(prompt),
            "object" => new JsonObject(),
            _ => TextFor(name, prompt),
        };
    }

    private static string TextFor(string name, string prompt)
    {
        var text =
            name.Contains("express", StringComparison.OrdinalIgnoreCase) ? Arithmetic().Match(prompt).Value.Trim()
            : name.EndsWith("id", StringComparison.OrdinalIgnoreCase) ? Identifier().Match(prompt).Value
            : name is "city" or "location" or "place" or "country" ? Place().Match(prompt).Groups[1].Value
            : "";
        return text.Length > 0 ? text : MessageText.Beginning(prompt, 200);
    }

    // Matches no part of an id: 3f2b-928-1a is not arithmetic.
    [GeneratedRegex(@"(?<![\w-])[(\-]*\d[\d.]*[\s()]*(?:[-+*/×÷%][\s()\-]*\d[\d.]*[\s)]*)+(?![\w-])")]
    private static partial Regex Arithmetic();

    [GeneratedRegex(@"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")]
    private static partial Regex NameWords();

    [GeneratedRegex(@"Keywords: ([^.]+)\.")]
    private static partial Regex Keywords();

    [GeneratedRegex("integer|number|boolean|array|object")]
    private static partial Regex Types();

    [GeneratedRegex(@"-?\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"\b[A-Za-z0-9_-]*\d[A-Za-z0-9_-]*\b")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"\b(?:in|at|for|of)\s+(\p{Lu}[\p{L}\-]+(?:\s\p{Lu}[\p{L}\-]+)*)")]
    private static partial Regex Place();
}
