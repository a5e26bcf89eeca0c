using System.Text.RegularExpressions;
using Harness;
using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Integration.Deploy;

/// <summary>A way of deployment as its files in <c>deploy/</c> describe it.</summary>
/// <param name="Services">The project's own services, under the AppHost's names.</param>
/// <param name="Addresses">Hosts and ports at which parts of it reach its services.</param>
/// <param name="Hosts">The names of all its parts, stores and proxies included.</param>
internal sealed partial record DeploymentFiles(
    IReadOnlyList<DeployedService> Services,
    IReadOnlyCollection<string> Addresses,
    IReadOnlyCollection<string> Hosts
)
{
    public static readonly string[] Names =
    [
        "compose",
        "kubernetes/base",
        "kubernetes/ha",
        "kubernetes/one-node",
        "systemd",
    ];

    public static DeploymentFiles Read(string name)
    {
        var read = name switch
        {
            "compose" => Compose(Repository.PathOf("deploy/compose.yaml")),
            "kubernetes/base" => Kubernetes(Repository.PathOf("deploy/kubernetes/base")),
            "systemd" => Systemd(Repository.PathOf("deploy/systemd")),
            _ => Kubernetes(Repository.PathOf(name.Replace("kubernetes/", "deploy/kubernetes/overlays/"))),
        };
        return read with { Services = [.. read.Services.Select(s => s with { Name = NameInTheAppHost(s.Name) })] };
    }

    /// <summary>The servers of a backend in <c>deploy/haproxy/haproxy.cfg</c>, as host and port.</summary>
    public static IReadOnlyList<string> ProxyServers(string backend) =>
        [.. Server().Matches(ProxySection($"backend {backend}")).Select(m => m.Groups["address"].Value)];

    /// <summary>The targets of a job in <c>deploy/prometheus/prometheus.yml</c>.</summary>
    public static IReadOnlyList<string> PrometheusTargets(string job) =>
        [
            .. YamlFile
                .Read(Repository.PathOf("deploy/prometheus/prometheus.yml"))
                .Single()
                .Items("scrape_configs")
                .Single(config => config.Text("job_name") == job)
                .Items("static_configs")
                .SelectMany(config => config.Items("targets"))
                .Select(target => target.Text()),
        ];

    private static DeploymentFiles Compose(string file)
    {
        var services = ComposeFile.Services(file, Containerfile.Environment(Repository.PathOf("deploy/Containerfile")));
        var names = ComposeFile.Names(file);
        var inside = Bind().Match(ProxySection("frontend inside")).Groups["port"].Value;

        return new DeploymentFiles(
            services,
            [
                $"proxy:{inside}",
                .. services.SelectMany(s =>
                    names.Where(n => n == s.Name || Replica().Replace(n, "") == s.Name).Select(n => $"{n}:{s.Ports[0]}")
                ),
            ],
            names
        );
    }

    private static DeploymentFiles Kubernetes(string folder)
    {
        var objects = Kustomization.Build(folder);
        var entrances = objects.Where(o => o.Text("kind") == "Service").ToList();
        return new DeploymentFiles(
            KubernetesDeployment.Services(objects),
            [
                .. entrances.SelectMany(s =>
                    s.At("spec")!.Items("ports").Select(port => $"{NameOf(s)}:{port.Text("port")}")
                ),
            ],
            // CloudNativePG makes the service of the primary.
            [
                .. entrances.Select(NameOf),
                .. objects.Where(o => o.Text("kind") == "Cluster").Select(o => $"{NameOf(o)}-rw"),
            ]
        );
    }

    private static DeploymentFiles Systemd(string folder)
    {
        // docs/bare-metal.md says which instances of a template unit there are.
        var enabled = File.ReadLines(Repository.PathOf("docs/bare-metal.md"))
            .Single(line => line.StartsWith("systemctl enable", StringComparison.Ordinal));
        var services = UnitFiles.Services(folder, [.. Instance().Matches(enabled).Select(m => m.Value)]);
        return new DeploymentFiles(
            services,
            [.. services.SelectMany(s => s.Ports).Append(NginxPort()).Select(port => $"localhost:{port}")],
            ["localhost"]
        );
    }

    /// <summary>The port of deploy/nginx.conf, which stands before the units.</summary>
    private static string NginxPort() =>
        Listen().Match(File.ReadAllText(Repository.PathOf("deploy/nginx.conf"))).Groups["port"].Value;

    private static string NameInTheAppHost(string name) =>
        name is "migrate" or "streamapi-migrate" ? "migrations" : name;

    private static string NameOf(YamlNode one) => one.At("metadata.name").Text();

    private static string ProxySection(string title) =>
        File.ReadAllText(Repository.PathOf("deploy/haproxy/haproxy.cfg"))
            .Split("\n\n")
            .Select(section => section[(section.StartsWith('#') ? section.IndexOf('\n') + 1 : 0)..])
            .Single(section => section.StartsWith(title + "\n", StringComparison.Ordinal));

    [GeneratedRegex(@"^\s+server \S+ (?<address>\S+)", RegexOptions.Multiline)]
    private static partial Regex Server();

    [GeneratedRegex(@"^\s+bind :(?<port>\d+)", RegexOptions.Multiline)]
    private static partial Regex Bind();

    [GeneratedRegex(@"^\s+listen (?<port>\d+);", RegexOptions.Multiline)]
    private static partial Regex Listen();

    [GeneratedRegex(@"-\d+$")]
    private static partial Regex Replica();

    [GeneratedRegex(@"[a-z]+@\d+")]
    private static partial Regex Instance();
}
