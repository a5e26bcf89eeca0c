using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Demo;

/// <summary>
/// Chooses the demo model's next tool call: the first unused tool that the prompt mentions by its name, or by a keyword
/// of its description (<c>Keywords: …</c>). Arguments come from the prompt too, by name and type.
/// </summary>
internal static partial class DemoTools
{
    /// <summary>Limits on what is read of a tool, whose schema may have megabytes.</summary>
    private const int MaxArguments = 64,
        MaxKeywords = 64,
        MaxChoices = 256;

    private static readonly string[] Verbs =
    [
        "get",
        "find",
        "search",
        "look",
        "lookup",
        "list",
        "fetch",
        "read",
        "the",
        "for",
        "and",
        "tool",
    ];

    public static FunctionCallContent? Next(
        string prompt,
        IReadOnlyList<FunctionCallContent> called,
        ChatOptions? options
    )
    {
        var id = $"call_{DemoText.Count(prompt)}_{called.Count + 1}";
        // Some patterns take time in proportion to the square of the length.
        prompt = DemoText.Beginning(prompt);

        var names = called.Select(c => c.Name).ToHashSet();
        var tools = options?.Tools?.OfType<AIFunctionDeclaration>().Where(t => !names.Contains(t.Name)).ToList() ?? [];
        var required = options?.ToolMode as RequiredChatToolMode;
        var tool =
            options?.ToolMode is NoneChatToolMode ? null
            : required?.RequiredFunctionName is { } name && called.Count == 0 ? tools.Find(t => t.Name == name)
            : tools.Find(t => IsMentioned(t, prompt))
                ?? (required is not null && called.Count == 0 ? tools.FirstOrDefault() : null);
        if (tool is null)
            return null;

        var arguments = new JsonObject();
        var schema = tool.JsonSchema.ValueKind == JsonValueKind.Object ? JsonObject.Create(tool.JsonSchema) : null;
        var needed = WireJson.Array(schema, "required")?.Select(e => e?.ToString()).ToHashSet() ?? [];
        foreach (var (property, kind) in (WireJson.Object(schema, "properties") ?? []).Take(MaxArguments))
            if (needed.Contains(property) || needed.Count == 0)
                arguments[property] = Value(property, kind, prompt);

        return ToolCalls.Parse(id, tool.Name, arguments.ToJsonString(RunJson.Options));
    }

    private static bool IsMentioned(AIFunctionDeclaration tool, string prompt)
    {
        if (Arithmetic().IsMatch(prompt) && tool.Name.Contains("calc", StringComparison.OrdinalIgnoreCase))
            return true;

        var words = NameWords()
            .Matches(tool.Name)
            .Select(m => m.Value)
            .Where(w => w.Length > 2 && !Verbs.Contains(w, StringComparer.OrdinalIgnoreCase));

        if (Keywords().Match(DemoText.Beginning(tool.Description ?? "")) is { Success: true } keywords)
            words = words.Concat(
                keywords
                    .Groups[1]
                    .Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Take(MaxKeywords)
            );

        return words.Any(w =>
            w[0] > 127
                ? prompt.Contains(w, StringComparison.Ordinal)
                : Regex.IsMatch(prompt, $@"\b{Regex.Escape(w.TrimEnd('s'))}(e?s)?\b", RegexOptions.IgnoreCase)
        );
    }

    private static JsonNode? Value(string name, JsonNode? schema, string prompt)
    {
        if (WireJson.Array(schema, "enum") is { Count: > 0 } choices)
        {
            var all = choices.Take(MaxChoices).ToList();
            var mentioned = all.FindIndex(c => prompt.Contains($"{c}", StringComparison.OrdinalIgnoreCase));
            return all[Math.Max(0, mentioned)]?.DeepClone();
        }

        var digits = Number().Match(prompt).Value;
        return Type(schema) switch
        {
            "integer" => long.TryParse(digits, CultureInfo.InvariantCulture, out var whole) ? whole : 1,
            "number" => decimal.TryParse(digits, CultureInfo.InvariantCulture, out var number) ? number : 1,
            "boolean" => true,
            "array" => new JsonArray(prompt),
            "object" => new JsonObject(),
            _ => TextFor(name, prompt),
        };
    }

    private static string TextFor(string name, string prompt)
    {
        if (
            name.Contains("express", StringComparison.OrdinalIgnoreCase)
            || name.Contains("formula", StringComparison.OrdinalIgnoreCase)
        )
            return Arithmetic().Match(prompt) is { Success: true } sum ? sum.Value.Trim() : prompt;
        if (
            name.EndsWith("id", StringComparison.OrdinalIgnoreCase)
            && Identifier().Match(prompt) is { Success: true } id
        )
            return id.Groups[1].Value;
        if (PlaceNames().IsMatch(name) && Place().Match(prompt) is { Success: true } place)
            return place.Groups[1].Value;

        return prompt.Length > 200 ? prompt[..200] : prompt;
    }

    private static string? Type(JsonNode? schema) =>
        WireJson.Array(schema, "type") is { } types
            ? types.Select(t => t?.ToString()).FirstOrDefault(t => t != "null")
            : WireJson.Text(schema, "type");

    // Not within an id: 3f2b-928-1a is not arithmetic.
    [GeneratedRegex(@"(?<![\w-])[(\-]*\d[\d.]*[\s()]*(?:[-+*/×÷^%][\s()\-]*\d[\d.]*[\s)]*)+(?![\w-])")]
    private static partial Regex Arithmetic();

    [GeneratedRegex(@"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")]
    private static partial Regex NameWords();

    [GeneratedRegex(@"Keywords: ([^.]+)\.")]
    private static partial Regex Keywords();

    [GeneratedRegex(@"-?\d+(?:\.\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"#?\b([A-Za-z0-9_-]*\d[A-Za-z0-9_-]*)\b")]
    private static partial Regex Identifier();

    [GeneratedRegex("city|location|place|country", RegexOptions.IgnoreCase)]
    private static partial Regex PlaceNames();

    [GeneratedRegex(@"\b(?:in|at|for|of)\s+(\p{Lu}[\p{L}\-]+(?:\s\p{Lu}[\p{L}\-]+)*)")]
    private static partial Regex Place();
}
