namespace LlmGateway.Providers;

/// <summary>Schemas for a model in the form that its vendor requires.</summary>
internal static class ModelSchema
{
    /// <summary>Members of a schema whose values are data.</summary>
    private static readonly string[] Data = ["const", "default", "enum", "examples"];

    /// <summary>Returns the schema of a tool's arguments. Anthropic refuses a schema without its type, OpenAI an object
    /// without properties.</summary>
    public static JsonObject Of(AIFunctionDeclaration tool)
    {
        var schema = tool.JsonSchema.ValueKind == JsonValueKind.Object ? JsonObject.Create(tool.JsonSchema)! : [];
        schema["type"] ??= "object";
        schema["properties"] ??= new JsonObject();
        return schema;
    }

    /// <summary>Returns the schema of an answer for Anthropic, which refuses an object that may have other
    /// members.</summary>
    public static JsonObject Closed(JsonElement schema)
    {
        var closed = JsonObject.Create(schema)!;
        foreach (var one in ObjectsOf(closed).ToList())
            one.TryAdd("additionalProperties", false);
        return closed;
    }

    /// <summary>Returns true if OpenAI can enforce a schema: an object has all of its members, and no
    /// others.</summary>
    public static bool IsStrict(JsonElement schema) =>
        ObjectsOf(JsonObject.Create(schema))
            .All(one =>
                one["additionalProperties"]?.GetValueKind() == JsonValueKind.False
                && (one["properties"] as JsonObject)?.Count == (WireJson.Array(one, "required")?.Count ?? 0)
            );

    private static IEnumerable<JsonObject> ObjectsOf(JsonNode? schema) =>
        schema switch
        {
            JsonArray list => list.SelectMany(ObjectsOf),
            JsonObject json => json.Where(member => !Data.Contains(member.Key))
                .SelectMany(member => ObjectsOf(member.Value))
                .Concat(WireJson.Text(json, "type") == "object" ? [json] : []),
            _ => [],
        };
}
