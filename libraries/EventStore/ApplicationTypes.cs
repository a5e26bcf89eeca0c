using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Knows how to write an application's own types as JSON where reflection does not (native AOT, trimming): as
/// its endpoints do, by <see cref="JsonOptions"/>. Thread-safe.</summary>
internal sealed class ApplicationTypes : IJsonTypeInfoResolver
{
    private volatile IJsonTypeInfoResolver? _known;

    /// <summary>The types of all applications in this process, since an event is made without services.</summary>
    public static ApplicationTypes Instance { get; } = new();

    public void Add(JsonOptions json)
    {
        if (!JsonSerializer.IsReflectionEnabledByDefault)
            _known = JsonTypeInfoResolver.Combine(_known, json.SerializerOptions.TypeInfoResolver);
    }

    public JsonTypeInfo? GetTypeInfo(Type type, JsonSerializerOptions options) => _known?.GetTypeInfo(type, options);
}

internal static class ApplicationTypesExtensions
{
    /// <summary>Makes the application's types known at its start: options are validated before any service
    /// starts.</summary>
    public static void AddApplicationTypes(this IServiceCollection services) =>
        services
            .AddOptions<EventStoreOptions>()
            .Configure<IOptions<JsonOptions>>((_, json) => ApplicationTypes.Instance.Add(json.Value));

    /// <summary>Returns how values of a type are written.</summary>
    /// <exception cref="NotSupportedException">There is no reflection, and nobody knows the type.</exception>
    public static JsonTypeInfo<T> TypeOf<T>(this JsonSerializerOptions options) =>
        (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
}
