using Harness.Deployments;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>Everything that an object of an overlay names exists: labels, ports, settings, secrets, volumes.</summary>
public sealed class ReferenceTests
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

    /// <summary>Ports of others: of CloudNativePG, DNS, telemetry, and the vendors of models.</summary>
    private static readonly string[] Outside = ["5432", "8000", "53", "4317", "443"];

    public static TheoryData<string> Overlays => ManifestTests.Overlays;

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_selector_selects_pods_of_the_overlay(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        foreach (
            var set in objects.Where(o =>
                o.At("spec.selector.matchLabels") is not null && o.At("spec.template") is not null
            )
        )
            Assert.True(
                Matches(set.At("spec.selector"), set.At("spec.template.metadata.labels").Strings()),
                set.Name()
            );

        var pods = objects
            .Pods()
            .Select(p => p.Template.At("metadata.labels").Strings())
            .Concat(objects.Where(Manifests.IsCustom).Select(PostgresPod))
            .ToList();
        foreach (var service in objects.Kind("Service"))
            Assert.Contains(pods, pod => Contains(service.At("spec.selector"), pod));
        foreach (var one in objects.Where(o => o.Text("kind") is "PodDisruptionBudget" or "NetworkPolicy"))
        foreach (var selector in Selectors(one))
            Assert.True(pods.Exists(pod => Matches(selector, pod)), $"{one.Name()} selects no pod: {selector}");
    }

    /// <summary>A new standby is copied by a job, whose pod does not get the labels of the cluster's object. A cluster
    /// that waits for a standby acknowledges nothing.</summary>
    [Fact]
    public void The_job_of_a_new_standby_and_the_standbys_reach_the_primary()
    {
        var objects = Manifests.Overlay("ha");
        var cluster = objects.Single(Manifests.IsCustom);
        var primary = PostgresPod(cluster);
        Dictionary<string, string> job = new()
        {
            ["cnpg.io/cluster"] = cluster.Name(),
            ["cnpg.io/jobRole"] = "join",
            ["app.kubernetes.io/component"] = "database",
        };
        foreach (var client in (Dictionary<string, string>[])[job, primary])
            Assert.Contains(
                objects.Kind("NetworkPolicy").Where(p => Matches(p.At("spec.podSelector"), primary)),
                policy => policy.At("spec")!.Items("ingress").Any(rule => Admits(rule, client, "5432"))
            );

        static bool Admits(YamlNode rule, Dictionary<string, string> client, string port) =>
            rule.Items("ports").Any(p => p.Text("port") == port)
            && rule.Items("from").Any(f => f.Find("podSelector") is { } selector && Matches(selector, client));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_port_is_one_that_a_container_listens_on(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        var containers = objects.Pods().SelectMany(p => Manifests.Containers(p.Template)).ToList();
        var named = containers.SelectMany(c => c.Items("ports")).Select(p => p.Text("name")).ToHashSet();
        foreach (var port in objects.Kind("Service").SelectMany(s => s.At("spec")!.Items("ports")))
            Assert.Contains(port.Text("targetPort"), named);
        foreach (var path in objects.Kind("Ingress").SelectMany(i => i.At("spec")!.Items("rules")).SelectMany(Paths))
            Assert.Contains(
                objects.Named("Service", path.At("backend.service.name").Text()).At("spec")!.Items("ports"),
                port => port.Text("name") == path.At("backend.service.port.name").Text()
            );
        foreach (var container in containers)
        foreach (var probe in (string[])["startupProbe", "livenessProbe", "readinessProbe"])
        foreach (var check in (string[])["httpGet", "tcpSocket"])
            if (container.At($"{probe}.{check}.port") is { } port)
                Assert.Contains(container.Items("ports"), p => p.Text("name") == port.Text());

        var numbers = containers.SelectMany(c => c.Items("ports")).Select(p => p.Text("containerPort"));
        var allowed = objects
            .Kind("NetworkPolicy")
            .SelectMany(p => p.At("spec")!.Items("ingress").Concat(p.At("spec")!.Items("egress")))
            .SelectMany(rule => rule.Items("ports"))
            .Select(p => p.Text("port"));
        Assert.Empty(allowed.Except(numbers).Except(Outside));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_setting_secret_and_volume_that_a_container_names_exists(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        var script = File.ReadAllText(Path.Combine(Manifests.Folder, "secrets.sh"));
        Assert.All(
            Secrets.Keys.Where(s => s != "eventstore-ca"),
            name => Assert.Contains($"secret {name}\n", script, StringComparison.Ordinal)
        );
        var maps = objects.Kind("ConfigMap").Select(Manifests.Name).ToHashSet();
        foreach (var (name, template) in objects.Pods())
        {
            var volumes = template
                .At("spec")!
                .Items("volumes")
                .Select(v => v.Text("name"))
                .Concat(Claims(objects, name))
                .ToHashSet();
            foreach (var container in Manifests.Containers(template))
            {
                Assert.All(container.Items("volumeMounts"), m => Assert.Contains(m.Text("name"), volumes));
                foreach (var source in container.Items("envFrom"))
                    if (source.At("configMapRef.name") is { } map)
                        Assert.Contains(map.Text(), maps);
                    else
                        Assert.Contains(source.At("secretRef.name").Text(), Secrets.Keys);
                foreach (
                    var key in container.Items("env").Select(v => v.At("valueFrom.secretKeyRef")).OfType<YamlNode>()
                )
                    Assert.Equal(key.Text("key"), Secrets[key.Text("name")]);
            }
            foreach (var secret in template.At("spec")!.Items("volumes").Select(v => v.At("secret.secretName")))
                Assert.True(secret is null || Secrets.ContainsKey(secret.Text()));
        }
    }

    /// <summary>Without it the ingress serves a certificate that browsers refuse. Nothing here makes them.</summary>
    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_host_has_a_certificate_whose_secret_the_docs_name(string overlay)
    {
        var docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "kubernetes.md"));
        foreach (var ingress in Manifests.Overlay(overlay).Kind("Ingress"))
        {
            var (spec, tls) = (ingress.At("spec")!, ingress.At("spec")!.Items("tls").ToList());
            foreach (var rule in spec.Items("rules"))
                Assert.Contains(tls, t => t.Items("hosts").Any(host => host.Text() == rule.Text("host")));
            foreach (var entry in tls)
                Assert.Contains($"create secret tls {entry.Text("secretName")} ", docs, StringComparison.Ordinal);
        }
    }

    /// <summary>Its file system is read-only, and without its keys every page with a form fails.</summary>
    [Theory]
    [MemberData(nameof(Overlays))]
    public void The_frontend_has_a_place_for_the_keys_of_its_cookies(string overlay)
    {
        var pod = Manifests.Overlay(overlay).Named("Deployment", "webfrontend").At("spec.template")!;
        Assert.Contains(
            Manifests.Containers(pod).Single().Items("volumeMounts"),
            mount => mount.Text("mountPath") == "/home/app/.aspnet/DataProtection-Keys"
        );
    }

    /// <summary>The labels of an instance: CloudNativePG's own, and those of its object.</summary>
    private static Dictionary<string, string> PostgresPod(YamlNode cluster) =>
        new(cluster.At("spec.inheritedMetadata.labels").Strings()) { ["cnpg.io/cluster"] = cluster.Name() };

    private static IEnumerable<string> Claims(IReadOnlyList<YamlMappingNode> objects, string name) =>
        objects
            .Kind("StatefulSet")
            .Where(s => s.Name() == name)
            .SelectMany(s => s.At("spec")!.Items("volumeClaimTemplates"))
            .Select(Manifests.Name);

    private static IEnumerable<YamlNode> Paths(YamlNode rule) => rule.At("http")!.Items("paths");

    /// <summary>The selectors of an object and of its peers in this namespace.</summary>
    private static IEnumerable<YamlNode> Selectors(YamlMappingNode one) =>
        one
            .AllNodes.OfType<YamlMappingNode>()
            .Where(node => node.Find("namespaceSelector") is null)
            .Select(node =>
                node.Find("podSelector") ?? (node.Find("maxUnavailable") is null ? null : node.Find("selector"))
            )
            .OfType<YamlNode>();

    private static bool Matches(YamlNode? selector, Dictionary<string, string> labels) =>
        Contains(selector?.Find("matchLabels"), labels)
        && (selector?.Items("matchExpressions") ?? []).All(e =>
            e.Text("operator") == "In"
            && labels.TryGetValue(e.Text("key"), out var value)
            && e.Items("values").Any(v => v.Text() == value)
        );

    private static bool Contains(YamlNode? wanted, Dictionary<string, string> labels) =>
        wanted.Strings().All(l => labels.TryGetValue(l.Key, out var value) && value == l.Value);
}
