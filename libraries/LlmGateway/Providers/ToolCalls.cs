using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>Converts tool calls from and to JSON. The text of the arguments stays as the model wrote it.</summary>
internal static class ToolCalls
{
    public static FunctionCallContent Parse(string id, string name, string arguments)
    {
        Dictionary<string, object?>? values = null;
        try
        {
            values = JsonSerializer.Deserialize(
                arguments.Length == 0 ? "{}" : arguments,
                GatewayJson.Default.DictionaryStringObject
            );
        }
        catch (JsonException) { } // the model's mistake; the tool's caller reports it

        return new FunctionCallContent(id, name, values)
        {
            RawRepresentation = arguments.Length == 0 ? "{}" : arguments,
        };
    }

    /// <summary>The arguments as JSON text.</summary>
    public static string Arguments(FunctionCallContent call) =>
        call.RawRepresentation as string ?? RunJson.Write(call.Arguments ?? new Dictionary<string, object?>());

    /// <summary>The arguments as an object; an empty one if they are not an object.</summary>
    public static JsonObject Input(FunctionCallContent call) => Parse(Arguments(call)) ?? [];

    /// <summary>
    /// The arguments as an object, or as the model's text if they are not one. An empty object instead would make the
    /// tool's caller run it without arguments.
    /// </summary>
    public static JsonNode InputOrText(FunctionCallContent call) => InputOrText(Arguments(call));

    /// <inheritdoc cref="InputOrText(FunctionCallContent)"/>
    public static JsonNode InputOrText(string arguments) => (JsonNode?)Parse(arguments) ?? arguments;

    private static JsonObject? Parse(string arguments)
    {
        try
        {
            return JsonNode.Parse(arguments) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static string Result(FunctionResultContent result) =>
        result.Result switch
        {
            null => "",
            string text => text,
            JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
            var other => RunJson.Write(other),
        };
}
