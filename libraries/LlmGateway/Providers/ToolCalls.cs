using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>Converts tool calls from and to JSON. The text of the arguments stays as the model wrote it.</summary>
internal static class ToolCalls
{
    /// <summary>Reads a call. Arguments that are no object are the model's mistake: they stay text, and the tool's
    /// caller reports it.</summary>
    public static FunctionCallContent Parse(string id, string name, string arguments) =>
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
        };

    /// <summary>The arguments as JSON text; empty if there are none. A client that could not parse the model's text has
    /// lost it.</summary>
    public static string Arguments(FunctionCallContent call) =>
        call.RawRepresentation as string
        ?? (
            call.Arguments is { } arguments ? RunJson.Write(arguments)
            : call.Exception is null ? ""
            : "(not JSON)"
        );

    /// <summary>
    /// The arguments as an object, or as the model's text if they are not one. An empty object instead would make the
    /// tool's caller run it without arguments.
    /// </summary>
    public static JsonNode InputOrText(FunctionCallContent call) => InputOrText(Arguments(call));

    /// <inheritdoc cref="InputOrText(FunctionCallContent)"/>
    public static JsonNode InputOrText(string arguments) => (JsonNode?)Object(arguments) ?? arguments;

    /// <summary>The arguments as an object, or null if they are none.</summary>
    public static JsonObject? Object(string arguments)
    {
        try
        {
            var json = WireJson.Parse(arguments) as JsonObject;
            json?.ToJsonString();
            return json;
        }
        catch (InvalidOperationException)
        {
            return null; // half of a surrogate pair
        }
    }

    /// <summary>True for a declared tool without parameters.</summary>
    public static bool TakesNothing(string name, ChatOptions? chat) =>
        chat?.Tools?.OfType<AIFunctionDeclaration>().FirstOrDefault(tool => tool.Name == name)
            is { JsonSchema: { ValueKind: JsonValueKind.Object } schema }
        && schema
            .EnumerateObject()
            .All(member =>
                member.Name switch
                {
                    "properties" => member.Value.ValueKind == JsonValueKind.Object
                        && !member.Value.EnumerateObject().Any(),
                    "additionalProperties" => member.Value.ValueKind == JsonValueKind.False,
                    "$schema" or "type" or "title" or "description" or "required" => true,
                    _ => false,
                }
            );

    /// <summary>Leaves out calls without a result, which no model takes, and messages that had nothing else.</summary>
    public static void LeaveOutOpen(List<ChatMessage> messages)
    {
        var ended = messages
            .SelectMany(m => m.Contents)
            .OfType<FunctionResultContent>()
            .Select(r => r.CallId)
            .ToHashSet();
        foreach (var message in messages)
            message.Contents =
            [
                .. message.Contents.Where(c => c is not FunctionCallContent call || ended.Contains(call.CallId)),
            ];
        messages.RemoveAll(message => message.Contents.Count == 0);
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
