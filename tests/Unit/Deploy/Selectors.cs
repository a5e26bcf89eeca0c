using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Label selectors of Kubernetes, as far as <c>deploy/kubernetes</c> uses them.</summary>
internal static class Selectors
{
    /// <summary>The labels of an instance: CloudNativePG's own, and those of its object.</summary>
    public static Dictionary<string, string> PostgresPod(YamlNode cluster) =>
        new(cluster.At("spec.inheritedMetadata.labels").Strings()) { ["cnpg.io/cluster"] = cluster.Name() };

    /// <summary>The selectors of an object and of its peers in this namespace.</summary>
    public static IEnumerable<YamlNode> In(YamlMappingNode one) =>
        one
            .AllNodes.OfType<YamlMappingNode>()
            .Where(node => node.Find("namespaceSelector") is null)
            .Select(node =>
                node.Find("podSelector") ?? (node.Find("maxUnavailable") is null ? null : node.Find("selector"))
            )
            .OfType<YamlNode>();

    public static bool Admits(YamlNode rule, Dictionary<string, string> client, string port) =>
        rule.Items("ports").Any(p => p.Text("port") == port)
        && rule.Items("from").Any(f => f.Find("podSelector") is { } selector && Matches(selector, client));

    public static bool Matches(YamlNode? selector, Dictionary<string, string> labels) =>
        Contains(selector?.Find("matchLabels"), labels)
        && (selector?.Items("matchExpressions") ?? []).All(e =>
            e.Text("operator") == "In"
            && labels.TryGetValue(e.Text("key"), out var value)
            && e.Items("values").Any(v => v.Text() == value)
        );

    public static bool Contains(YamlNode? wanted, Dictionary<string, string> labels) =>
        wanted.Strings().All(l => labels.TryGetValue(l.Key, out var value) && value == l.Value);
}
