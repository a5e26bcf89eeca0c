using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Harness.Deployments;

/// <summary>The services of an overlay of <c>deploy/kubernetes</c>.</summary>
internal static class KubernetesDeployment
{
    private const string OwnImages = "aspire-sse/";

    public static IReadOnlyList<DeployedService> Services(IReadOnlyList<YamlMappingNode> objects) =>
        [
            .. objects
                .Where(o => o.Text("kind") is "Deployment" or "Job")
                .SelectMany(o => Containers(o).Select(container => (Object: o, Container: container)))
                .Select(found => new DeployedService(
                    found.Container.Text("name"),
                    Replicas(found.Object, objects),
                    [.. found.Container.Items("ports").Select(port => port.Text("containerPort"))],
                    string.Join(' ', found.Container.Items("args").Select(argument => argument.Text())),
                    Environment(found.Container, objects)
                )),
        ];

    /// <summary>Own containers, and those that run before them.</summary>
    private static IEnumerable<YamlNode> Containers(YamlNode workload) =>
        workload.Find("spec")!.Find("template")!.Find("spec")! is var pod
            ? pod.Items("containers").Concat(pod.Items("initContainers")).Where(IsOwn)
            : [];

    private static bool IsOwn(YamlNode container) =>
        container.Text("image").StartsWith(OwnImages, StringComparison.Ordinal);

    private static int Replicas(YamlMappingNode workload, IReadOnlyList<YamlMappingNode> objects)
    {
        var scaler = objects.FirstOrDefault(o =>
            o.Text("kind") == "HorizontalPodAutoscaler"
            && o.Find("spec")!.Find("scaleTargetRef")!.Text("name") == workload.Map("metadata").Text("name")
        );
        var number = scaler?.Find("spec")!.Text("minReplicas") ?? workload.Find("spec")!.Text("replicas");
        return number.Length == 0 ? 1 : int.Parse(number, CultureInfo.InvariantCulture);
    }

    private static Dictionary<string, string> Environment(YamlNode container, IReadOnlyList<YamlMappingNode> objects)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);

        foreach (var map in container.Items("envFrom").Select(source => source.Find("configMapRef")).OfType<YamlNode>())
        foreach (var (name, value) in Data(map.Text("name"), objects).Children)
            environment[name.Text()] = value.Text();

        foreach (var variable in container.Items("env"))
            environment[variable.Text("name")] = variable.Text("value");

        return environment;
    }

    private static YamlMappingNode Data(string configMap, IReadOnlyList<YamlMappingNode> objects) =>
        objects.Single(o => o.Text("kind") == "ConfigMap" && o.Map("metadata").Text("name") == configMap).Map("data");
}
