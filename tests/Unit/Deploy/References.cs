using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Values that the containers of an overlay take from config maps, secrets and volumes.</summary>
internal static class References
{
    /// <summary>Secrets and their keys; CloudNativePG makes <c>eventstore-ca</c>, secrets.sh the others.</summary>
    private static readonly Dictionary<string, string> Secrets = new()
    {
        ["eventstore-app"] = "password",
        ["eventstore-ca"] = "ca.crt",
        ["redis"] = "password",
        ["streamapi-access"] = "",
        ["webfrontend-access"] = "api-key",
    };

    /// <summary>Returns the names that nothing has.</summary>
    public static IEnumerable<string> Missing(IReadOnlyList<YamlMappingNode> objects)
    {
        var script = File.ReadAllText(Path.Combine(Manifests.Folder, "secrets.sh"));
        var maps = objects.Kind("ConfigMap").Select(Manifests.Name).ToHashSet();
        var notMade = Secrets.Keys.Where(secret =>
            secret != "eventstore-ca" && !script.Contains($"secret {secret}\n", StringComparison.Ordinal)
        );

        return notMade.Concat(
            from pod in objects.Pods()
            let spec = pod.Template.At("spec")!
            let volumes = spec.Items("volumes").Select(v => v.Text("name")).Concat(Claims(objects, pod.Name))
            let containers = Manifests.Containers(pod.Template).ToList()
            let sources = containers.SelectMany(c => c.Items("envFrom")).ToList()
            let keys = containers.SelectMany(c => c.Items("env")).Select(v => v.At("valueFrom.secretKeyRef"))
            from missing in containers
                .SelectMany(c => c.Items("volumeMounts"))
                .Select(mount => mount.Text("name"))
                .Except(volumes)
                .Concat(sources.Select(s => s.At("configMapRef.name")).OfType<YamlNode>().Select(Text).Except(maps))
                .Concat(
                    sources
                        .Select(s => s.At("secretRef.name"))
                        .Concat(spec.Items("volumes").Select(v => v.At("secret.secretName")))
                        .OfType<YamlNode>()
                        .Select(Text)
                        .Except(Secrets.Keys)
                )
                .Concat(
                    keys.OfType<YamlNode>()
                        .Where(key => Secrets.GetValueOrDefault(key.Text("name")) != key.Text("key"))
                        .Select(key => $"{key.Text("name")}/{key.Text("key")}")
                )
            select $"{pod.Name}: {missing}"
        );

        static string Text(YamlNode node) => node.Text();
    }

    private static IEnumerable<string> Claims(IReadOnlyList<YamlMappingNode> objects, string name) =>
        objects
            .Kind("StatefulSet")
            .Where(s => s.Name() == name)
            .SelectMany(s => s.At("spec")!.Items("volumeClaimTemplates"))
            .Select(Manifests.Name);
}
