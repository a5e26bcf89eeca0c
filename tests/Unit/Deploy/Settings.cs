using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Broadcaster;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.OptionKeys;
using ServiceDefaults.Prometheus;
using StreamApi;
using Streaming.Opening;
using WebFrontend;

namespace Unit.Deploy;

/// <summary>The settings that the services have, by the names of their environment variables.</summary>
internal static partial class ServiceSettings
{
    /// <summary>The options that the services read, as they say it themselves.</summary>
    public static readonly IReadOnlyList<OptionSection> Read =
    [
        .. StreamApiOptions
            .Sections(new ServiceCollection())
            .Concat(BroadcasterOptions.Sections)
            .Concat(WebFrontendOptions.Sections)
            .Append(new OptionSection(PrometheusUrl.Setting, typeof(string)))
            .Distinct(),
    ];

    /// <summary>Sections and the classes that they are bound to. A section may have several.</summary>
    public static readonly ILookup<string, Type> Sections = Read.Where(s =>
            !s.Path.Contains(':') || s.Path.StartsWith("AspireSse:", StringComparison.Ordinal)
        )
        .Where(s => s.Type != typeof(int))
        .ToLookup(s => s.Path, s => s.Type);

    /// <summary>The section with the size of each pool by its name, which is bound to no class.</summary>
    public const string Pools = "AspireSse:Pools";

    private static readonly Setting Pool = new(typeof(int), [new RangeAttribute(1, StreamSeats.MaxPoolSize)]);

    /// <summary>Returns what is wrong with a variable, or null if a service reads it and takes the value.</summary>
    /// <param name="name">The variable's name.</param>
    /// <param name="value">Its value, null or empty if it comes from elsewhere.</param>
    public static string? Problem(string name, string? value)
    {
        if (Others().IsMatch(name))
            return null;

        var path = name.Split("__");
        var found = Read.Select(section => (section, At: section.Path.Split(':')))
            .Where(read => read.At.SequenceEqual(path.Take(read.At.Length)))
            .Select(read => Walk(read.section.Type, path.AsSpan(read.At.Length)))
            .FirstOrDefault(setting => setting is not null);
        if (found is null)
            return $"{name}: no service reads it.";

        if (path is ["AspireSse", "Pools", ..])
            found = Pool;

        return string.IsNullOrEmpty(value) || value.Contains('$') ? null : Refusal(name, value, found);
    }

    /// <summary>Variables that are not options of ours: of .NET, of Aspire and of OpenTelemetry.</summary>
    [GeneratedRegex(
        @"^(ASPNETCORE_(ENVIRONMENT|URLS|FORWARDEDHEADERS_ENABLED)|DOTNET_ENVIRONMENT|HOME|PGPASSWORD"
            + @"|OTEL_(SERVICE_NAME|RESOURCE_ATTRIBUTES|EXPORTER_OTLP_(ENDPOINT|HEADERS|PROTOCOL)"
            + @"|EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION)"
            + @"|ConnectionStrings__(eventstore|redis)|Logging__LogLevel__[\w.]+"
            + @"|services__(streamapi|broadcaster)__http__\d+)$"
    )]
    private static partial Regex Others();

    private static Setting? Walk(Type type, ReadOnlySpan<string> path)
    {
        if (path.Length == 0)
            return new Setting(type, []);
        if (ElementOf(type) is { } element)
            return int.TryParse(path[0], out _) || typeof(IDictionary).IsAssignableFrom(type)
                ? Walk(element, path[1..])
                : null;

        var name = path[0];
        var property = type.GetProperties()
            .FirstOrDefault(p => string.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase));
        if (property is null)
            return null;

        return path.Length == 1
            ? new Setting(property.PropertyType, [.. property.GetCustomAttributes(true).OfType<ValidationAttribute>()])
            : Walk(property.PropertyType, path[1..]);
    }

    private static Type? ElementOf(Type type) =>
        type == typeof(string)
            ? null
            : type.GetInterfaces()
                .Append(type)
                .Where(i => i.IsGenericType)
                .Where(i => i.GetGenericTypeDefinition() is var g && (g == typeof(ICollection<>)))
                .Select(i => i.GenericTypeArguments[0])
                .Select(t => t.IsGenericType && t.Name.StartsWith("KeyValuePair") ? t.GenericTypeArguments[1] : t)
                .FirstOrDefault();

    private static string? Refusal(string name, string value, Setting setting)
    {
        try
        {
            var converted = TypeDescriptor.GetConverter(setting.Type).ConvertFromInvariantString(value);
            return setting.Rules.FirstOrDefault(rule => !rule.IsValid(converted)) is { } broken
                ? $"{name}: {broken.FormatErrorMessage(value)}"
                : null;
        }
        catch (Exception e) when (e is NotSupportedException or FormatException or ArgumentException)
        {
            return $"{name}: '{value}' is no {setting.Type.Name}.";
        }
    }

    private sealed record Setting(Type Type, IReadOnlyList<ValidationAttribute> Rules);
}
