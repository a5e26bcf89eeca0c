using System.Text.Json.Serialization;

namespace LlmGateway.Providers;

/// <summary>Writes and reads JSON of any form without reflection.</summary>
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(IDictionary<string, object>))]
[JsonSerializable(typeof(Dictionary<string, object>))]
internal sealed partial class NodeJson : JsonSerializerContext
{
    /// <summary>The context for answers, whose JSON does not depend on the application's options.</summary>
    public static NodeJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
