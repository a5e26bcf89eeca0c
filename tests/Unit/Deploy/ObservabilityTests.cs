using System.Text.RegularExpressions;
using Harness.Deployments;

namespace Unit.Deploy;

/// <summary>Prometheus, its exporters and the variables of both compose files belong together.</summary>
public sealed partial class ObservabilityTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy");
    private static readonly string[] Files = ["compose.yaml", "observability.yaml"];

    [Fact]
    public void Every_address_that_Prometheus_reads_in_compose_is_a_service_of_the_compose_files()
    {
        var services = Files.SelectMany(f => ComposeFile.Names(Path.Combine(Folder, f))).ToHashSet();
        var text = Read("prometheus/prometheus.yml");
        var hosts = Address().Matches(text).Select(m => m.Groups["host"].Value).ToHashSet();
        Assert.Superset(new HashSet<string> { "streamapi-1", "proxy", "blackbox-exporter", "alertmanager" }, hosts);
        Assert.Subset(services, hosts);
    }

    /// <summary>Otherwise a certificate expires unseen: the services behind the proxy have none.</summary>
    [Theory]
    [InlineData("prometheus.yml")]
    [InlineData("systemd.yml")]
    public void The_proxys_certificate_is_read_with_a_module_that_the_exporter_has(string file)
    {
        var modules = YamlFile.Read(Path.Combine(Folder, "prometheus", "blackbox.yml")).Single().Map("modules");
        var job = YamlFile
            .Read(Path.Combine(Folder, "prometheus", file))
            .Single()
            .Items("scrape_configs")
            .Single(j => j.Text("metrics_path") == "/probe");
        var module = job.Find("params")!.Items("module").Single().Text();
        Assert.Equal("true", modules.At($"{module}.tcp.tls").Text());
        Assert.Equal("certificate", job.Text("job_name")); // SseNotMeasured selects it
    }

    [Fact]
    public void Every_port_of_a_compose_file_beside_the_proxys_is_published_on_this_machine_only()
    {
        var ports = Files
            .SelectMany(f => YamlFile.Read(Path.Combine(Folder, f)).Single().Map("services").Children)
            .Where(s => s.Key.Text() != "proxy")
            .SelectMany(s => s.Value.Items("ports"))
            .Select(p => p.Text())
            .ToList();
        Assert.NotEmpty(ports);
        Assert.All(ports, port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_variable_of_the_compose_files_is_in_the_docs_or_generated()
    {
        var (docs, generated) = (
            File.ReadAllText(Path.Combine(Repository.Root, "docs", "compose.md")),
            Read("compose-secrets")
        );
        var variables = Files
            .SelectMany(f => Variable().Matches(Read(f)))
            .Select(m => m.Groups["name"].Value)
            .Distinct()
            .ToList();
        Assert.Contains("GRAFANA_IMAGE", variables);
        Assert.DoesNotContain(variables, v => !docs.Contains($"`{v}`") && !generated.Contains($"\n{v}="));
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Folder, file));

    [GeneratedRegex("\"(?<host>[a-z0-9-]+):\\d+\"")]
    private static partial Regex Address();

    [GeneratedRegex(@"(?<!\$)\$\{(?<name>\w+)")]
    private static partial Regex Variable();
}
