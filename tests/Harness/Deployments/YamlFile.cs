using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>YAML documents as nodes, which keep the difference between <c>1</c> and <c>"1"</c>.</summary>
internal static class YamlFile
{
    public static IReadOnlyList<YamlMappingNode> Read(string file) =>
        [.. Parse(File.ReadAllText(file)).OfType<YamlMappingNode>()];

    public static IReadOnlyList<YamlNode> Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        foreach (var map in stream.Documents.SelectMany(d => d.AllNodes).OfType<YamlMappingNode>().ToList())
            Merge(map);
        return [.. stream.Documents.Select(d => d.RootNode)];
    }

    /// <summary>Resolves <c>&lt;&lt;: *anchor</c>; a key of the mapping's own wins.</summary>
    private static void Merge(YamlMappingNode map)
    {
        if (map.Find("<<") is not { } merged)
            return;

        map.Children.Remove("<<");

        foreach (var source in (merged as YamlSequenceNode)?.Children ?? [merged])
        {
            Merge((YamlMappingNode)source);
            foreach (var (key, value) in ((YamlMappingNode)source).Children)
                map.Children.TryAdd(key, value);
        }
    }

    public static YamlNode? Find(this YamlNode node, string key) =>
        node is YamlMappingNode map && map.Children.TryGetValue(key, out var value) ? value : null;

    /// <summary>The mapping under a key; created if there is none.</summary>
    public static YamlMappingNode Map(this YamlMappingNode node, string key)
    {
        if (node.Find(key) is not YamlMappingNode map)
            node.Children[key] = map = [];
        return map;
    }

    public static IEnumerable<YamlNode> Items(this YamlNode node, string key) =>
        node.Find(key) is YamlSequenceNode list ? list.Children : [];

    /// <summary>The node at a path of keys and indexes: <c>spec.containers.0.image</c>.</summary>
    public static YamlNode? At(this YamlNode? node, string path) =>
        path.Split('.')
            .Aggregate(
                node,
                (at, step) =>
                    at is YamlSequenceNode list
                        ? list.Children.ElementAtOrDefault(int.Parse(step, CultureInfo.InvariantCulture))
                        : at?.Find(step)
            );

    public static string Text(this YamlNode node, string key) => node.Find(key)?.Text() ?? "";

    /// <summary>The text of a scalar; empty for none.</summary>
    public static string Text(this YamlNode? node) => (node as YamlScalarNode)?.Value ?? "";
}
