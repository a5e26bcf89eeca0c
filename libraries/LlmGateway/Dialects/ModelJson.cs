using System.Text.Json.Serialization;

namespace LlmGateway.Dialects;

/// <summary>Writes the list of models as JSON without reflection.</summary>
[JsonSerializable(typeof(ModelsApi.ModelList))]
internal sealed partial class ModelJson : JsonSerializerContext
{
    /// <summary>For answers, which do not depend on the application's JSON.</summary>
    public static ModelJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
