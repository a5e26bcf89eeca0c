using System.Text.Json.Serialization;

namespace LlmGateway.Dialects;

/// <summary>Writes the list of models as JSON without reflection.</summary>
[JsonSerializable(typeof(ModelsApi.ModelList))]
internal sealed partial class ModelJson : JsonSerializerContext
{
    /// <summary>The context for answers, whose JSON does not depend on the application's options.</summary>
    public static ModelJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
