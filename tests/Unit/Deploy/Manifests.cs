using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>The objects of <c>deploy/kubernetes</c>.</summary>
internal static class Manifests
{
    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "kubernetes");

    public static readonly string[] Overlays = ["one-node", "ha"];

    /// <summary>Variables that only build others: <c>$(NAME)</c>.</summary>
    public static readonly string[] HelperVariables = ["POD_NAME", "REDIS_PASSWORD", "REDIS_SERVERS"];

    public static IReadOnlyList<YamlMappingNode> Overlay(string name) =>
        Kustomization.Build(Path.Combine(Folder, "overlays", name));

    public static IEnumerable<YamlMappingNode> Kind(this IEnumerable<YamlMappingNode> objects, string kind) =>
        objects.Where(o => o.Text("kind") == kind);

    public static YamlMappingNode Named(this IEnumerable<YamlMappingNode> objects, string kind, string name) =>
        objects.Kind(kind).Single(o => o.Name() == name);

    public static string Name(this YamlNode one) => one.At("metadata.name").Text();

    /// <summary>The pod templates, with the name of what makes the pods.</summary>
    public static IEnumerable<(string Name, YamlNode Template)> Pods(this IEnumerable<YamlMappingNode> objects) =>
        objects
            .Where(o => o.Text("kind") is "Deployment" or "StatefulSet" or "Job")
            .Select(o => (o.Name(), o.At("spec.template")!));

    public static IEnumerable<YamlNode> Containers(YamlNode template) =>
        template.At("spec")!.Items("containers").Concat(template.At("spec")!.Items("initContainers"));

    public static Dictionary<string, string> Strings(this YamlNode? node) =>
        node is YamlMappingNode map ? map.ToDictionary(c => c.Key.Text(), c => c.Value.Text()) : [];

    /// <summary>An object of an operator, whose type is not in Kubernetes.</summary>
    public static bool IsCustom(YamlNode node) =>
        node.Text("apiVersion").Contains(".cnpg.io/", StringComparison.Ordinal);
}
