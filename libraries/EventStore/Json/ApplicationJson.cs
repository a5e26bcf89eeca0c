using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ControllerOptions = Microsoft.AspNetCore.Mvc.JsonOptions;

namespace EventStore;

/// <summary>Writes an application's own values as JSON by the options of its endpoints (<see cref="JsonOptions"/>), or
/// of its controllers if only those are configured. The options decide names and converters and, without reflection
/// (native AOT, trimming), know the types. Thread-safe.</summary>
internal static class ApplicationJson
{
    // Each application in this process has options of its own.
    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonSerializerOptions> Made = [];

    /// <summary>Returns the application's options, changed so that JSON is one line and readable.</summary>
    public static JsonSerializerOptions Of(IServiceProvider services)
    {
        var endpoints = services.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
        return Made.TryGetValue(endpoints, out var made)
            ? made
            : Made.GetValue(
                endpoints,
                given => new(Chosen(given, services)) { Encoder = ReadableJsonEncoder.Instance, WriteIndented = false }
            );
    }

    /// <summary>Writes a value as the data of an event.</summary>
    /// <exception cref="ArgumentException">The value cannot be JSON: it has an unpaired surrogate, a cycle or more than
    /// 64 levels, or is an element that was never set.</exception>
    /// <exception cref="NotSupportedException">The program has no reflection, and no JSON context knows the
    /// type.</exception>
    public static string Write<T>(this JsonSerializerOptions options, T data)
    {
        try
        {
            return JsonSerializer.Serialize(data, options.TypeOf(data));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ArgumentException($"The value cannot be written as JSON: {e.Message}", nameof(data), e);
        }
    }

    /// <summary>Returns how values of a type are written.</summary>
    /// <exception cref="NotSupportedException">The program has no reflection, and no JSON context knows the
    /// type.</exception>
    public static JsonTypeInfo<T> TypeOf<T>(this JsonSerializerOptions options) =>
        (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));

    /// <summary>Returns how a value is written, by the rule of ASP.NET Core's endpoints: by the value's own type,
    /// unless the declared type names its derived types (<see cref="JsonTypeInfo.PolymorphismOptions"/>).</summary>
    /// <exception cref="NotSupportedException">The program has no reflection, and no JSON context knows the
    /// type.</exception>
    public static JsonTypeInfo TypeOf<T>(this JsonSerializerOptions options, T value)
    {
        var own = value?.GetType() ?? typeof(T);
        if (own == typeof(T) || typeof(T).IsSealed)
            return options.GetTypeInfo(typeof(T));

        options.TryGetTypeInfo(typeof(T), out var declared);
        if (declared?.PolymorphismOptions is not null)
            return declared;
        if (options.TryGetTypeInfo(own, out var ofValue))
            return ofValue;

        // A list, such as an iterator of LINQ, and a value that a converter writes lose no members if they are written
        // by the declared type.
        return declared is { Kind: not JsonTypeInfoKind.Object } && typeof(T) != typeof(object)
            ? declared
            : throw new NotSupportedException(
                $"A value of {own} cannot be written: it was given as {typeof(T)}, whose members are not all of it, "
                    + "and the application's JsonSerializerContext does not know its own type. Add "
                    + $"[JsonSerializable(typeof({own.Name}))] to it, or [JsonDerivedType] to {typeof(T).Name}."
            );
    }

    private static JsonSerializerOptions Chosen(JsonSerializerOptions endpoints, IServiceProvider services)
    {
        // A native program has no controllers.
        if (!RuntimeFeature.IsDynamicCodeSupported)
            return endpoints;

        var controllers = services.GetRequiredService<IOptions<ControllerOptions>>().Value.JsonSerializerOptions;
        if (controllers.LooksLike(endpoints) || controllers.LooksLike(new ControllerOptions().JsonSerializerOptions))
            return endpoints;
        if (endpoints.LooksLike(new JsonOptions().SerializerOptions))
            return controllers;

        services
            .GetRequiredService<ILoggerFactory>()
            .CreateLogger(typeof(ApplicationJson).FullName!)
            .LogWarning(
                "Controllers (AddJsonOptions) and endpoints (ConfigureHttpJsonOptions) are configured to write JSON in "
                    + "different ways. Events are written as by endpoints."
            );
        return endpoints;
    }

    private static bool LooksLike(this JsonSerializerOptions options, JsonSerializerOptions other) =>
        LookOf(options).SequenceEqual(LookOf(other));

    /// <summary>Returns the settings that decide how values look. Policies and converters count by their types, because
    /// an application creates other instances for endpoints than for controllers.</summary>
    private static IEnumerable<object?> LookOf(JsonSerializerOptions options) =>
        [
            options.PropertyNamingPolicy?.GetType(),
            options.DictionaryKeyPolicy?.GetType(),
            options.DefaultIgnoreCondition,
            options.NumberHandling,
            options.ReferenceHandler?.GetType(),
            options.IncludeFields,
            options.IgnoreReadOnlyFields,
            options.IgnoreReadOnlyProperties,
            options.RespectNullableAnnotations,
            .. options.Converters.Select(converter => LookOf(converter, options)),
            .. ChangesOf(options),
        ];

    private static object LookOf(JsonConverter converter, JsonSerializerOptions options)
    {
        if (converter is not JsonStringEnumConverter)
            return converter.GetType();

        // This converter shows its settings only in the JSON that it writes.
        var alone = new JsonSerializerOptions(options);
        alone.Converters.Clear();
        alone.Converters.Add(converter);
        return alone.TryGetTypeInfo(typeof(Sample), out var type)
            ? JsonSerializer.Serialize(Sample.TwoWords, type)
            : converter.GetType();
    }

    /// <summary>Returns the resolvers and modifiers that change types before they are written, up to the first resolver
    /// that knows every type. Generated contexts do not count, because they write types as reflection does.</summary>
    private static IEnumerable<object> ChangesOf(JsonSerializerOptions options)
    {
        foreach (var resolver in options.TypeInfoResolverChain)
            if (resolver is DefaultJsonTypeInfoResolver reflection)
            {
                if (reflection.GetType() != typeof(DefaultJsonTypeInfoResolver))
                    yield return reflection.GetType();
                foreach (var modifier in reflection.Modifiers)
                    yield return modifier;
                yield break;
            }
            else if (resolver is not JsonSerializerContext)
                yield return resolver;
    }

    private enum Sample
    {
        TwoWords,
    }
}
