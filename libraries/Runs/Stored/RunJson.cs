using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse;

internal static class RunJson
{
    /// <summary>Types that other libraries store in runs, for programs without reflection.</summary>
    public static volatile IJsonTypeInfoResolver? MoreTypes;

    public static readonly JsonSerializerOptions Options = new(ReadableJsonEncoder.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolverChain = { RunTypes.Default, new Later() },
    };

    /// <summary>Returns the application's JSON options, changed to write no nulls.</summary>
    public static JsonSerializerOptions Of(IServiceProvider application) =>
        new(ApplicationJson.Of(application)) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public static string Write<T>(T value) => JsonSerializer.Serialize(value, Options.TypeOf<T>());

    private sealed class Later : IJsonTypeInfoResolver
    {
        public JsonTypeInfo? GetTypeInfo(Type type, JsonSerializerOptions options) =>
            MoreTypes?.GetTypeInfo(type, options);
    }
}

/// <summary>Writes the types of runs as JSON without reflection.</summary>
[JsonSerializable(typeof(RunError))]
[JsonSerializable(typeof(RunAnnouncement))]
[JsonSerializable(typeof(IReadOnlyList<RunEvent>))]
internal sealed partial class RunTypes : JsonSerializerContext;
