using System.Text.Json;
using System.Text.RegularExpressions;
using Harness;
using Harness.Deployments;
using LocalServices;

namespace Integration.Operations;

/// <summary>Prometheus's own tool reads the configurations and tries every alert on made-up series.</summary>
public sealed partial class PromtoolTests
{
    private const string Pod = "__meta_kubernetes_";
    private static readonly string Folder = Repository.PathOf("deploy/prometheus");

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "config", "systemd.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public void The_configuration_and_the_alerts_pass(params string[] arguments) => Run(Folder, arguments);

    /// <summary>The alerts and the dashboard select these jobs, and the autoscaler's adapter the pods.</summary>
    [Fact]
    public void In_a_cluster_each_service_has_its_job_and_only_pods_that_run_are_scraped()
    {
        var found = Discover("Running");
        Assert.Equal(
            ["broadcaster", "streamapi", "webfrontend"],
            found.Select(pod => pod.GetValueOrDefault("job")).Order()
        );

        foreach (var pod in found)
        {
            Assert.Equal("aspire-sse", pod["namespace"]);
            Assert.Equal($"{pod["job"]}-1", pod["pod"]);
            Assert.Equal(pod["pod"], pod["instance"]);
        }

        foreach (var phase in (string[])["Pending", "Succeeded", "Failed"])
            Assert.Empty(Discover(phase));
    }

    /// <summary>Debian's promtool knows no discovery in Kubernetes, so the labels of the manifests' pods take its
    /// place.</summary>
    private static IReadOnlyList<Dictionary<string, string>> Discover(string phase)
    {
        var pods = Kustomization
            .Build(Repository.PathOf("deploy/kubernetes/base"))
            .Where(o => o.Text("kind") == "Deployment")
            .Select(o => o.At("spec.template")!)
            .SelectMany(
                pod => pod.At("spec")!.Items("containers").SelectMany(c => c.Items("ports")),
                (pod, port) =>
                    $"""
                      - targets: ["10.0.0.1:{port.Text("containerPort")}"]
                        labels:
                          {Pod}namespace: aspire-sse
                          {Pod}pod_phase: {phase}
                          {Pod}pod_name: {pod.At("metadata.labels")!.Text("app.kubernetes.io/component")}-1
                          {Pod}pod_container_port_name: {port.Text("name")}
                          {Pod}pod_label_app_kubernetes_io_component: {pod.At("metadata.labels")!
                    .Text("app.kubernetes.io/component")}
                """
            );

        var folder = Directory.CreateTempSubdirectory("prometheus-");
        try
        {
            File.Copy(Path.Combine(Folder, "alerts.yml"), Path.Combine(folder.FullName, "alerts.yml"));
            var text = File.ReadAllText(Path.Combine(Folder, "kubernetes.yml"));
            Assert.Matches(Discovery(), text);
            File.WriteAllText(
                Path.Combine(folder.FullName, "kubernetes.yml"),
                Discovery().Replace(text, _ => $"    static_configs:\n{string.Join('\n', pods)}\n")
            );
            Run(folder.FullName, "check", "config", "kubernetes.yml");

            var output = Run(
                folder.FullName,
                "check",
                "service-discovery",
                "--timeout=1s",
                "kubernetes.yml",
                "aspire-sse"
            );

            return
            [
                .. JsonDocument
                    .Parse(output)
                    .RootElement.EnumerateArray()
                    .Select(found => found.GetProperty("labels"))
                    .Where(labels => labels.ValueKind == JsonValueKind.Object && labels.EnumerateObject().Any())
                    .Select(labels => labels.EnumerateObject().ToDictionary(l => l.Name, l => l.Value.GetString()!)),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(string folder, params string[] arguments)
    {
        var run = Command.Run("promtool", arguments, folder: folder);
        Assert.SkipWhen(run is null, "promtool is not on the PATH (Debian: apt-get install prometheus).");
        Assert.True(run.ExitCode == 0, run.Output);
        return run.Answer;
    }

    [GeneratedRegex(@"^    kubernetes_sd_configs:\n(?:      .*\n)+", RegexOptions.Multiline)]
    private static partial Regex Discovery();
}
