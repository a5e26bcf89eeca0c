namespace LlmGateway.Providers;

/// <summary>Marks the text of a model that declines to answer: a client that has asked for JSON must not parse
/// it.</summary>
internal static class RefusalText
{
    private const string Mark = "refusal";

    public static TextContent Of(string? text) =>
        new(text) { AdditionalProperties = new AdditionalPropertiesDictionary { [Mark] = true } };

    /// <summary>Returns true for a marked text, even if the text was stored as JSON.</summary>
    public static bool IsRefusal(this TextContent text) =>
        text.AdditionalProperties?.GetValueOrDefault(Mark) is true or JsonElement { ValueKind: JsonValueKind.True };
}
