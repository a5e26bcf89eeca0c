using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using LlmGateway.Providers;
using Streaming.Opening;

namespace Unit.Deploy;

/// <summary>The text of docs/options.md: every option that a service reads, from the option classes and their
/// comments.</summary>
internal static partial class OptionsPage
{
    private const string Head = """
        # Options

        For those who look a setting up. [Deployment](deployment.md#configure) has the settings that every deployment
        needs, [security](security.md#limits) explains the limits.

        Set an option as an environment variable with two underscores for each colon
        (`AspireSse__Streaming__MaxConnections=5000`), or in `appsettings.json`. `n` is a number from 0, `<name>` a
        provider or a pool. The defaults are those outside Development. A service does not start with a value outside
        the range, or with a key that it does not know in a section that it reads. The sections below `AspireSse` are
        the libraries', also in an application that uses them. Their names of the version before, without `AspireSse`,
        StreamApi and Broadcaster read once more, with a warning.

        The code's comments are this page: `UPDATE_DOCS=1 dotnet test tests/Unit --filter OptionsPageTests` writes it.

        """;

    private static readonly Dictionary<string, string> ReadBy = new()
    {
        ["AspireSse:EventStore"] = "StreamApi and Broadcaster. `MaxAge` and `MaxBytes`: the Broadcaster only",
        ["AspireSse:Relay"] = "Broadcaster",
        ["SignIn"] = "WebFrontend",
    };

    /// <summary>Defaults that depend on the machine or the environment.</summary>
    private static readonly Dictionary<string, string> Computed = new()
    {
        ["AspireSse:Llm:Providers:<name>:BaseUrl"] = "the vendor's",
        ["Security:OpenOnLoopback"] = "true in Development",
        ["AspireSse:Streaming:MaxConnectionsPerClient"] = "100",
        ["AspireSse:Streaming:TakeOverConnections"] = "true",
    };

    private static readonly Dictionary<Assembly, Dictionary<string, XElement>> Comments = [];

    public static string Text()
    {
        var text = new StringBuilder(Head);
        var sections = ServiceSettings
            .Sections.Select(s => (s.Key, Rows: s.SelectMany(type => Rows(type, Create(type), s.Key))))
            .Append((Key: ServiceSettings.Pools, Rows: PoolRows()));
        foreach (var section in sections.OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {section.Key}\n\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"Read by {ReadBy.GetValueOrDefault(section.Key, "StreamApi")}.\n\n"
            );
            text.Append("| option | default | range | |\n|---|---|---|---|\n");

            foreach (var row in section.Rows)
                text.Append(CultureInfo.InvariantCulture, $"{row}\n");
        }

        return text.ToString();
    }

    private static IEnumerable<string> PoolRows() =>
        [
            $"| `{ServiceSettings.Pools}:<name>` | {StreamSeats.DefaultPoolSize} | 1 to {StreamSeats.MaxPoolSize} "
                + "| Maximum open streams of a pool (`Sse`, `Tasks`) on one replica; a tenth more for resumes. |",
        ];

    private static IEnumerable<string> Rows(Type type, object instance, string path)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = $"{path}:{property.Name}";
            var value = property.GetValue(instance);

            if (ElementOf(property.PropertyType) is { } element)
                foreach (
                    var row in element == typeof(string)
                        ? [Row($"{name}:n", "none", property)]
                        : Rows(element, Create(element), $"{name}:n")
                )
                    yield return row;
            else if (value is ProvidersOptions providers)
            {
                foreach (var row in Rows(typeof(ProviderOptions), providers.Local, $"{name}:<name>"))
                    yield return row;
                var own = typeof(DemoOptions).GetProperties().Where(p => p.DeclaringType == typeof(DemoOptions));
                foreach (var demo in own)
                    yield return Row($"{name}:Demo:{demo.Name}", Default(demo.GetValue(providers.Demo)), demo);
            }
            else if (property.PropertyType.Assembly == type.Assembly && property.PropertyType.IsClass)
                foreach (var row in Rows(property.PropertyType, value!, name))
                    yield return row;
            else if (property.SetMethod is { IsPublic: true })
                yield return Row(name, Computed.GetValueOrDefault(name) ?? Default(value), property);
        }
    }

    private static string Row(string name, string value, PropertyInfo property) =>
        $"| `{name}` | {value} | {Range(property)} | {Summary(property)} |";

    private static object Create(Type type)
    {
        var instance = Activator.CreateInstance(type, nonPublic: true)!;
        (instance as StreamApi.Security.Limits.LimitOptions)?.Complete(development: false);
        (instance as LlmGateway.LlmOptions)?.Complete(development: false);
        return instance;
    }

    private static Type? ElementOf(Type type) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IList<>) ? type.GenericTypeArguments[0] : null;

    private static string Default(object? value) =>
        value switch
        {
            null or "" => "none",
            bool flag => flag ? "true" : "false",
            string text => $"`{text}`",
            TimeSpan time => $"`{time:c}`",
            _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
        };

    private static string Range(PropertyInfo property) =>
        property.GetCustomAttribute<RangeAttribute>() switch
        {
            null => "",
            { Maximum: double.MaxValue or >= 9e18 } range => $"{Default(range.Minimum)} or more",
            var range => $"{Default(range.Minimum)} to {Default(range.Maximum)}",
        };

    /// <summary>The comment's summary as Markdown, on one line.</summary>
    private static string Summary(PropertyInfo property)
    {
        var assembly = property.DeclaringType!.Assembly;
        if (!Comments.TryGetValue(assembly, out var comments))
            Comments[assembly] = comments = XDocument
                .Load(Path.ChangeExtension(assembly.Location, ".xml"))
                .Descendants("member")
                .ToDictionary(m => m.Attribute("name")!.Value);

        var summary = comments.GetValueOrDefault($"P:{property.DeclaringType.FullName}.{property.Name}");
        var text = string.Concat(summary?.Element("summary")?.Nodes().Select(Markdown) ?? []);
        return Spaces().Replace(text, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    private static string Markdown(XNode node) =>
        node switch
        {
            XElement { Name.LocalName: "see" } see when see.Attribute("cref") is { } to =>
                $"`{to.Value.Split('.')[^1]}`",
            XElement element => $"`{element.Value}`",
            XText text => text.Value,
            _ => "",
        };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
