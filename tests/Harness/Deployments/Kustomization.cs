using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>A folder with a kustomization.yaml, built as <c>kubectl kustomize</c> does it. It knows what
/// <c>deploy/kubernetes</c> uses and refuses the rest.</summary>
internal static class Kustomization
{
    /// <exception cref="FormatException">A field is unknown here, a file is missing, or a patch has no
    /// target.</exception>
    public static IReadOnlyList<YamlMappingNode> Build(string folder)
    {
        var file = Path.Combine(folder, "kustomization.yaml");
        var kustomization = YamlFile.Read(file).Single();
        var objects = new List<YamlMappingNode>();
        foreach (var resource in kustomization.Items("resources"))
        {
            var path = Path.GetFullPath(resource.Text(), folder);
            if (Directory.Exists(path))
                objects.AddRange(Build(path));
            else if (File.Exists(path))
                objects.AddRange(YamlFile.Read(path));
            else
                throw new FormatException($"{file}: there is no {resource.Text()}.");
        }

        foreach (var (key, value) in kustomization.Children)
            Apply(key.Text(), value, objects, file);

        return objects;
    }

    private static void Apply(string field, YamlNode value, List<YamlMappingNode> objects, string file)
    {
        switch (field)
        {
            case "apiVersion" or "kind" or "resources":
                break;
            case "namespace":
                foreach (var one in objects.Where(o => o.Text("kind") != "Namespace"))
                    one.Map("metadata").Children["namespace"] = value;
                break;
            case "labels":
                foreach (var label in ((YamlSequenceNode)value).Cast<YamlMappingNode>())
                    AddLabels(label, objects);
                break;
            case "images":
                foreach (var image in ((YamlSequenceNode)value).Cast<YamlMappingNode>())
                    SetTag(image.Text("name"), image.Text("newTag"), objects);
                break;
            case "patches":
                foreach (var patch in ((YamlSequenceNode)value).Cast<YamlMappingNode>())
                    ApplyPatch(patch, objects, file);
                break;
            default:
                throw new FormatException($"{file}: '{field}' is not known to the tests.");
        }
    }

    private static void AddLabels(YamlMappingNode label, List<YamlMappingNode> objects)
    {
        foreach (var one in objects)
        foreach (var (name, value) in label.Map("pairs").Children)
        {
            one.Map("metadata").Map("labels").Children[name] = value;
            if (label.Find("includeTemplates")?.Text() == "true" && one.Find("spec")?.Find("template") is { } template)
                ((YamlMappingNode)template).Map("metadata").Map("labels").Children[name] = value;
        }
    }

    private static void SetTag(string image, string tag, List<YamlMappingNode> objects)
    {
        foreach (var container in objects.SelectMany(o => o.AllNodes.OfType<YamlMappingNode>()).ToList())
            if (container.Find("image") is YamlScalarNode { Value: { } name } && name.Split(':')[0] == image)
                container.Children["image"] = $"{image}:{tag}";
    }

    private static void ApplyPatch(YamlMappingNode patch, List<YamlMappingNode> objects, string file)
    {
        var target = patch.Map("target");
        var targets = objects
            .Where(o => Matches(o.Text("kind"), target.Text("kind")))
            .Where(o => Matches(o.Map("metadata").Text("name"), target.Text("name")))
            .ToList();
        if (targets.Count == 0)
            throw new FormatException(
                $"{file}: no {target.Text("kind")} {target.Text("name")} for a patch; its names may be expressions."
            );

        foreach (var one in targets)
        foreach (var text in YamlFile.Parse(patch.Text("patch")))
            switch (text)
            {
                case YamlSequenceNode operations:
                    foreach (var operation in operations.Cast<YamlMappingNode>())
                        YamlPatch.Apply(one, operation);
                    break;
                case YamlMappingNode merged:
                    YamlPatch.Merge(one, merged);
                    break;
            }

        static bool Matches(string name, string expression) => Regex.IsMatch(name, $"^({expression})$");
    }
}
