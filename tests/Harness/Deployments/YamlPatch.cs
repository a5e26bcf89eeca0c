using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>JSON Patch (RFC 6902: add, replace, remove) and JSON Merge Patch (RFC 7396) on YAML nodes.</summary>
internal static class YamlPatch
{
    /// <exception cref="FormatException">The path or the operation does not exist.</exception>
    public static void Apply(YamlNode root, YamlMappingNode operation)
    {
        var path = operation.Text("path");
        var steps = path.TrimStart('/').Split('/').Select(s => s.Replace("~1", "/").Replace("~0", "~")).ToArray();
        var parent = steps[..^1].Aggregate(root, (node, step) => Child(node, step, path));
        var value = operation.Find("value");

        switch (operation.Text("op"), parent)
        {
            case ("add", YamlSequenceNode list) when steps[^1] == "-":
                list.Add(value!);
                break;
            case ("add", YamlMappingNode map):
                map.Children[steps[^1]] = value!;
                break;
            case ("replace", YamlMappingNode map) when map.Children.ContainsKey(steps[^1]):
                map.Children[steps[^1]] = value!;
                break;
            case ("remove", YamlMappingNode map) when map.Children.Remove(steps[^1]):
                break;
            default:
                throw new FormatException($"The patch {operation.Text("op")} {path} does not apply.");
        }
    }

    public static void Merge(YamlMappingNode into, YamlMappingNode patch)
    {
        foreach (var (key, value) in patch.Children)
            if (value is YamlMappingNode map && into.Find(key.Text()) is YamlMappingNode known)
                Merge(known, map);
            else
                into.Children[key] = value;
    }

    private static YamlNode Child(YamlNode node, string step, string path) =>
        node switch
        {
            YamlMappingNode map when map.Find(step) is { } child => child,
            YamlSequenceNode list
                when int.TryParse(step, CultureInfo.InvariantCulture, out var index) && index < list.Children.Count =>
                list[index],
            _ => throw new FormatException($"There is no {path} to patch."),
        };
}
