using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Harness.Deployments;

namespace Integration.Operations;

/// <summary>Prometheus's own tool reads the configurations and tries every alert on made-up series.</summary>
public sealed partial class PromtoolTests
{
    private const string Pod = "__meta_kubernetes_";
    private static readonly string Folder = Deployment.File("deploy/prometheus");

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "config", "systemd.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task The_configuration_and_the_alerts_pass(params string[] arguments) =>
        await RunAsync(Folder, arguments);

    /// <summary>The alerts and the dashboard select these jobs, and the autoscaler's adapter the pods.</summary>
    [Fact]
    public async Task In_a_cluster_each_service_has_its_job_and_only_pods_that_run_are_scraped()
    {
        var found = await DiscoverAsync("Running");
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
            Assert.Empty(await DiscoverAsync(phase));
    }

    /// <summary>Debian's promtool knows no discovery in Kubernetes, so the labels of the manifests' pods take its
    /// place.</summary>
    private static async Task<IReadOnlyList<Dictionary<string, string>>> DiscoverAsync(string phase)
    {
        var pods = Kustomization
            .Build(Deployment.File("deploy/kubernetes/base"))
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
            var text = await File.ReadAllTextAsync(Path.Combine(Folder, "kubernetes.yml"));
            Assert.Matches(Discovery(), text);
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "kubernetes.yml"),
                Discovery().Replace(text, _ => $"    static_configs:\n{string.Join('\n', pods)}\n")
            );
            await RunAsync(folder.FullName, "check", "config", "kubernetes.yml");
            var output = await RunAsync(
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

    private static async Task<string> RunAsync(string folder, params string[] arguments)
    {
        Assert.SkipWhen(Promtool is null, "promtool is not on the PATH (Debian: apt-get install prometheus).");
        var start = new ProcessStartInfo(Promtool, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var tool = Process.Start(start)!;
        var errors = tool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await tool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await tool.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(tool.ExitCode == 0, output + await errors);
        return output;
    }

    private static string? Promtool =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "promtool"))
            .FirstOrDefault(File.Exists);

    [GeneratedRegex(@"^    kubernetes_sd_configs:\n(?:      .*\n)+", RegexOptions.Multiline)]
    private static partial Regex Discovery();
}
