using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Writes an application's own values as its endpoints do, by <see cref="JsonOptions"/>: names, converters,
/// and the types that reflection does not know (native AOT, trimming). Thread-safe.</summary>
internal static class ApplicationJson
{
    // Each application in this process has its own.
    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonSerializerOptions> Made = [];

    /// <summary>Returns the application's options, with which JSON is one line and readable.</summary>
    public static JsonSerializerOptions Of(IServiceProvider services) =>
        Of(services.GetRequiredService<IOptions<JsonOptions>>());

    /// <inheritdoc cref="Of(IServiceProvider)"/>
    public static JsonSerializerOptions Of(IOptions<JsonOptions> options) =>
        Made.GetValue(
            options.Value.SerializerOptions,
            static given => new(given) { Encoder = ReadableJsonEncoder.Instance, WriteIndented = false }
        );

    /// <summary>Returns how values of a type are written.</summary>
    /// <exception cref="NotSupportedException">There is no reflection, and nobody knows the type.</exception>
    public static JsonTypeInfo<T> TypeOf<T>(this JsonSerializerOptions options) =>
        (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
}
