using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Harness.Deployments;
using k8s.Models;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Kubernetes' own types, the models of its client for .NET, which Aspire.Hosting brings. An unknown field and
/// a value of another type are errors.</summary>
internal static class KubernetesTypes
{
    private static readonly JsonSerializerOptions Strict = new()
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private static readonly Dictionary<string, Type> Kinds = (
        from type in typeof(KubernetesEntityAttribute).Assembly.GetTypes()
        let kind = type.GetCustomAttribute<KubernetesEntityAttribute>()
        where kind is not null
        select (Name: $"{kind.Group}/{kind.ApiVersion} {kind.Kind}".TrimStart('/'), type)
    ).ToDictionary(kind => kind.Name, kind => kind.type);

    /// <summary>Returns what is wrong with an object, or null.</summary>
    public static string? Problem(YamlMappingNode one)
    {
        var kind = $"{one.Text("apiVersion")} {one.Text("kind")}";
        if (!Kinds.TryGetValue(kind, out var type))
            return $"{kind} is no kind of Kubernetes.";

        try
        {
            Json(one).Deserialize(type, Strict);
            return null;
        }
        catch (JsonException e)
        {
            return e.Message;
        }
    }

    /// <summary>Kubernetes refuses a number where it wants a text: <c>"1"</c>, not <c>1</c>.</summary>
    private static JsonNode? Json(YamlNode node) =>
        node switch
        {
            YamlMappingNode map => new JsonObject(map.Select(c => KeyValuePair.Create(c.Key.Text(), Json(c.Value)))),
            YamlSequenceNode list => new JsonArray([.. list.Select(Json)]),
            YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } => node.Text() == "true",
            YamlScalarNode { Style: ScalarStyle.Plain, Value: "null" or "~" or "" } => null,
            YamlScalarNode { Style: ScalarStyle.Plain }
                when decimal.TryParse(node.Text(), CultureInfo.InvariantCulture, out var number) => number,
            _ => node.Text(),
        };
}
