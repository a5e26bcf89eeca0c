using System.Globalization;
using Harness.Deployments;
using Streaming;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>The manifests hold what the docs promise: an upgrade, a drained node or a full replica ends no stream
/// early, and no container has more rights than it needs.</summary>
public sealed class RolloutTests
{
    private const string Docs = "docs/rolling-upgrade.md allows 15 s for the drain";

    public static TheoryData<string> Overlays => ManifestTests.Overlays;

    [Theory]
    [MemberData(nameof(Overlays))]
    public void An_upgrade_starts_a_new_replica_before_it_ends_an_old_one(string overlay)
    {
        foreach (var service in Services(overlay))
        {
            Assert.Equal("0", service.At("spec.strategy.rollingUpdate.maxUnavailable").Text());
            Assert.Equal("1", service.At("spec.strategy.rollingUpdate.maxSurge").Text());
            var pod = service.At("spec.template.spec")!;
            var pause = Number(pod.At("containers.0.lifecycle.preStop.sleep.seconds"));
            Assert.True(Number(pod.At("terminationGracePeriodSeconds")) >= pause + 15, Docs);
        }
        Assert.True(new global::Runs.RunOptions().DrainSeconds < 15, Docs);
        Assert.True(
            Number(Services(overlay)[0].At("spec.template.spec.containers.0.lifecycle.preStop.sleep.seconds")) > 0
        );
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Only_alive_restarts_a_process_and_health_decides_about_new_clients(string overlay)
    {
        foreach (var container in Services(overlay).Select(s => s.At("spec.template.spec.containers.0")))
        {
            Assert.Equal("/alive", container.At("startupProbe.httpGet.path").Text());
            Assert.Equal("/alive", container.At("livenessProbe.httpGet.path").Text());
            Assert.Equal("/health", container.At("readinessProbe.httpGet.path").Text());
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Services_with_two_replicas_are_spread_over_nodes_and_drained_one_by_one(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        foreach (var name in (string[])["streamapi", "broadcaster"])
        {
            Assert.Equal("1", objects.Named("PodDisruptionBudget", name).At("spec.maxUnavailable").Text());
            var spread = objects.Named("Deployment", name).At("spec.template.spec.topologySpreadConstraints.0");
            Assert.Equal("kubernetes.io/hostname", spread.At("topologyKey").Text());
            Assert.Equal(name, spread.At("labelSelector.matchLabels").Strings().Single().Value);
            Assert.Equal(overlay == "ha" ? "DoNotSchedule" : "ScheduleAnyway", spread.At("whenUnsatisfiable").Text());
        }
    }

    [Fact]
    public void The_autoscaler_adds_a_replica_before_the_others_are_full()
    {
        var objects = Manifests.Overlay("ha");
        var scaler = Assert.Single(objects.Kind("HorizontalPodAutoscaler"));
        // A number in the deployment would reset the autoscaler's with each upgrade.
        Assert.Null(objects.Named("Deployment", "streamapi").At("spec.replicas"));
        var most = Number(objects.Named("ConfigMap", "streamapi").At("data.Streaming__MaxConnections"));
        Assert.Equal(new StreamingOptions().MaxConnections, most);
        Assert.InRange(Number(scaler.At("spec.metrics.0.pods.target.averageValue")), 1, most * 7 / 10);
        Assert.Equal("cpu", scaler.At("spec.metrics.1.resource.name").Text());
        // The adapter's rule makes a metric of this name.
        var adapter = File.ReadAllText(Path.Combine(Manifests.Folder, "overlays", "ha", "prometheus-adapter.yaml"));
        Assert.Contains(
            $"as: {scaler.At("spec.metrics.0.pods.metric.name").Text()}\n",
            adapter,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public void Every_pod_fits_the_restricted_profile(string overlay)
    {
        foreach (var (name, template) in Manifests.Overlay(overlay).Pods())
        {
            var pod = template.At("spec")!;
            Assert.Equal((name, "true"), (name, pod.At("securityContext.runAsNonRoot").Text()));
            Assert.Equal((name, "RuntimeDefault"), (name, pod.At("securityContext.seccompProfile.type").Text()));
            Assert.Equal((name, "false"), (name, pod.Text("automountServiceAccountToken")));
            Assert.True(Number(pod.At("securityContext.runAsUser")) > 0, name);
            foreach (var container in Manifests.Containers(template))
            {
                Assert.Equal("true", container.At("securityContext.readOnlyRootFilesystem").Text());
                Assert.Equal("false", container.At("securityContext.allowPrivilegeEscalation").Text());
                Assert.Equal("ALL", container.At("securityContext.capabilities.drop.0").Text());
                Assert.NotEmpty(container.At("resources.limits.memory").Text());
                Assert.NotEmpty(container.At("resources.requests.cpu").Text());
            }
        }
    }

    /// <summary>The ingress behaves as <c>deploy/nginx.conf</c>, whose pitfalls have tests.</summary>
    [Fact]
    public void The_ingress_does_not_buffer_and_keeps_quiet_streams()
    {
        var proxy = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "nginx.conf"));
        var ingresses = Manifests.Overlay("one-node").Kind("Ingress").ToList();
        Assert.NotEmpty(ingresses);
        foreach (var ingress in ingresses)
        {
            var annotations = ingress.At("metadata.annotations").Strings();
            string Value(string name) => annotations["nginx.ingress.kubernetes.io/" + name];
            Assert.Equal("off", Value("proxy-buffering"));
            Assert.Equal("1.1", Value("proxy-http-version"));
            Assert.Contains($"proxy_read_timeout {Value("proxy-read-timeout")}s;", proxy, StringComparison.Ordinal);
            Assert.True(
                int.Parse(Value("proxy-read-timeout"), CultureInfo.InvariantCulture)
                    > 2 * new StreamingOptions().HeartbeatSeconds
            );
            Assert.NotEmpty(ingress.At("spec")!.Items("tls"));
            // Probes and metrics are for the cluster. The frontend's probes check nothing but the process.
            if (ingress.Name() == "streamapi")
                Assert.DoesNotContain(
                    ingress.At("spec.rules.0.http")!.Items("paths"),
                    path => path.Text("path") is "/" or "/health" or "/alive" or "/metrics"
                );
        }
    }

    private static int Number(YamlNode? node) =>
        node is null ? 0 : int.Parse(node.Text(), CultureInfo.InvariantCulture);

    /// <summary>The deployments of the services, StreamApi first.</summary>
    private static IReadOnlyList<YamlMappingNode> Services(string overlay)
    {
        var objects = Manifests.Overlay(overlay);
        return
        [
            .. new[] { "streamapi", "broadcaster", "webfrontend" }.Select(name => objects.Named("Deployment", name)),
        ];
    }
}
