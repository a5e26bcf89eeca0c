using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Runs;

namespace LlmGateway.Providers;

/// <summary>Tool calls between wire and abstraction. The arguments' own text is kept: a client gets it as the model
/// wrote it.</summary>
internal static class ToolCalls
{
    public static FunctionCallContent Parse(string id, string name, string arguments)
    {
        Dictionary<string, object?>? values = null;
        try
        {
            values = JsonSerializer.Deserialize<Dictionary<string, object?>>(arguments.Length == 0 ? "{}" : arguments);
        }
        catch (JsonException) { } // a model's mistake; the caller of the tool will say what is missing
        return new FunctionCallContent(id, name, values)
        {
            RawRepresentation = arguments.Length == 0 ? "{}" : arguments,
        };
    }

    /// <summary>The arguments as JSON text.</summary>
    public static string Arguments(FunctionCallContent call) =>
        call.RawRepresentation as string
        ?? JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), RunJson.Options);

    /// <summary>The arguments as an object; what is none becomes one.</summary>
    public static JsonNode Input(FunctionCallContent call)
    {
        try
        {
            return JsonNode.Parse(Arguments(call)) is JsonObject input ? input : [];
        }
        catch (JsonException)
        {
            return new JsonObject();
        }
    }

    public static string Result(FunctionResultContent result) =>
        result.Result switch
        {
            null => "",
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
            var other => JsonSerializer.Serialize(other, RunJson.Options),
        };
}
