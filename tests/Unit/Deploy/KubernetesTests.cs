using System.Globalization;
using Harness.Deployments;
using Unit.Build;
using YamlDotNet.RepresentationModel;

namespace Unit.Deploy;

/// <summary>The manifests hold what the docs promise: an upgrade, a drained node or a full replica ends no stream
/// early, no container has more rights than it needs, and everything that an object names exists.</summary>
public sealed class KubernetesTests
{
    private static readonly Dictionary<string, Func<Overlay, IEnumerable<string>>> Rules = new()
    {
        ["a workload selects its own pods"] = overlay =>
            from workload in Some(overlay.Objects.Where(o => o.At("spec.selector.matchLabels") is not null))
            where workload.At("spec.template") is not null
            where !Selectors.Matches(workload.At("spec.selector"), LabelsOf(workload))
            select workload.Name(),

        ["a service, a budget and a network policy select pods"] = overlay =>
            from one in Some(overlay.Objects)
            from selector in one.Text("kind") switch
            {
                "Service" => [one.At("spec.selector")!],
                "PodDisruptionBudget" or "NetworkPolicy" => Selectors.In(one),
                _ => Array.Empty<YamlNode>(),
            }
            where
                !overlay.Pods.Any(pod =>
                    one.Text("kind") == "Service" ? Selectors.Contains(selector, pod) : Selectors.Matches(selector, pod)
                )
            select $"{one.Text("kind")} {one.Name()}: {selector}",

        // Its pod does not get the labels of the cluster's object, and a cluster that waits for a standby acknowledges
        // nothing.
        ["the job of a new standby and the standbys reach the primary"] = overlay =>
            from cluster in overlay.PostgresClusters
            let primary = Selectors.PostgresPod(cluster)
            from client in (Dictionary<string, string>[])
                [
                    primary,
                    new()
                    {
                        ["cnpg.io/cluster"] = cluster.Name(),
                        ["cnpg.io/jobRole"] = "join",
                        ["app.kubernetes.io/component"] = "database",
                    },
                ]
            where
                !overlay
                    .Objects.Kind("NetworkPolicy")
                    .Where(policy => Selectors.Matches(policy.At("spec.podSelector"), primary))
                    .SelectMany(policy => policy.At("spec")!.Items("ingress"))
                    .Any(rule => Selectors.Admits(rule, client, "5432"))
            select string.Join(", ", client),

        ["a service names a port of a container"] = overlay =>
            Some(overlay.Objects.Kind("Service").SelectMany(s => s.At("spec")!.Items("ports")))
                .Select(port => port.Text("targetPort"))
                .Except(overlay.Containers.SelectMany(c => c.Items("ports")).Select(p => p.Text("name"))),

        ["a probe names a port of its container"] = overlay =>
            from container in Some(overlay.Containers)
            from probe in (string[])["startupProbe", "livenessProbe", "readinessProbe"]
            from check in (string[])["httpGet", "tcpSocket"]
            let port = container.At($"{probe}.{check}.port").Text()
            where port.Length > 0 && container.Items("ports").All(p => p.Text("name") != port)
            select $"{container.Text("name")}: {port}",

        ["an ingress names a port of a service"] = overlay =>
            from path in overlay
                .Objects.Kind("Ingress")
                .SelectMany(i => i.At("spec")!.Items("rules"))
                .SelectMany(rule => rule.At("http")!.Items("paths"))
            let service = overlay.Objects.Named("Service", path.At("backend.service.name").Text())
            let port = path.At("backend.service.port.name").Text()
            where service.At("spec")!.Items("ports").All(p => p.Text("name") != port)
            select $"{service.Name()}: {port}",

        // Those of others: CloudNativePG, DNS, telemetry, and the vendors of models.
        ["a network policy allows ports that somebody listens on"] = overlay =>
            overlay
                .Objects.Kind("NetworkPolicy")
                .SelectMany(p => p.At("spec")!.Items("ingress").Concat(p.At("spec")!.Items("egress")))
                .SelectMany(rule => rule.Items("ports"))
                .Select(p => p.Text("port"))
                .Except(overlay.Containers.SelectMany(c => c.Items("ports")).Select(p => p.Text("containerPort")))
                .Except(["5432", "8000", "53", "4317", "443"]),

        ["a setting, a secret and a volume of a container exist"] = overlay => References.Missing(overlay.Objects),

        ["an ingress has a certificate for its host, whose secret the docs name"] = overlay =>
            from ingress in Some(overlay.Objects.Kind("Ingress"))
            let tls = ingress.At("spec")!.Items("tls").ToList()
            from problem in ingress
                .At("spec")!
                .Items("rules")
                .Select(rule => rule.Text("host"))
                .Except(tls.SelectMany(t => t.Items("hosts")).Select(host => host.Text()))
                .Concat(
                    tls.Select(t => $"create secret tls {t.Text("secretName")} ")
                        .Where(command => !DocOf("kubernetes.md").Contains(command, StringComparison.Ordinal))
                )
            select $"{ingress.Name()}: {problem}",

        // Its file system is read-only, and without its keys every page with a form fails.
        ["the frontend has a place for the keys of its cookies"] = overlay =>
            Unless(
                Manifests
                    .Containers(overlay.Objects.Named("Deployment", "webfrontend").At("spec.template")!)
                    .Single()
                    .Items("volumeMounts")
                    .Any(mount => mount.Text("mountPath") == "/home/app/.aspnet/DataProtection-Keys"),
                "no volume"
            ),

        ["an upgrade starts a replica before it ends one, and waits for its drain"] = overlay =>
            from service in overlay.Services
            let pod = service.At("spec.template.spec")!
            let pause = Number(pod.At("containers.0.lifecycle.preStop.sleep.seconds"))
            let grace = Number(pod.At("terminationGracePeriodSeconds"))
            where
                Number(service.At("spec.strategy.rollingUpdate.maxUnavailable")) > 0
                || Number(service.At("spec.strategy.rollingUpdate.maxSurge")) < 1
                || grace < pause + DrainSeconds
                || (service.Name() == "streamapi" && pause == 0)
            select $"{service.Name()}: {pause} s before SIGTERM, {grace} s in all",

        ["only /alive restarts a process, and /health decides about new clients"] = overlay =>
            from service in overlay.Services
            let container = service.At("spec.template.spec.containers.0")
            let probes = ((string[])["startup", "liveness", "readiness"]).Select(probe =>
                container.At($"{probe}Probe.httpGet.path").Text()
            )
            where !probes.SequenceEqual(["/alive", "/alive", "/health"])
            select $"{service.Name()}: {string.Join(' ', probes)}",

        ["services with two replicas are spread over nodes and drained one by one"] = overlay =>
            from service in overlay.Services.Where(s => s.Name() != "webfrontend")
            let budget = overlay.Objects.Named("PodDisruptionBudget", service.Name())
            let spread = service.At("spec.template.spec.topologySpreadConstraints.0")
            where
                budget.At("spec.maxUnavailable").Text() != "1"
                || spread.At("topologyKey").Text() != "kubernetes.io/hostname"
                || !Selectors.Matches(spread.At("labelSelector"), LabelsOf(service))
                || (spread.At("whenUnsatisfiable").Text() == "DoNotSchedule") != (overlay.Name == "ha")
            select service.Name(),

        // A number of replicas in the deployment would reset the autoscaler's with each upgrade.
        ["the autoscaler adds a replica before the others are full"] = overlay =>
            from scaler in overlay.Scalers
            let most = Number(
                overlay.Objects.Named("ConfigMap", "streamapi").At("data.AspireSse__Streaming__MaxConnections")
            )
            let target = Number(scaler.At("spec.metrics.0.pods.target.averageValue"))
            let adapter = File.ReadAllText(Path.Combine(Manifests.Folder, "overlays", "ha", "prometheus-adapter.yaml"))
            where
                most != new SseOptions().MaxConnections
                || target < 1
                || target > most * 7 / 10
                || scaler.At("spec.metrics.1.resource.name").Text() != "cpu"
                || overlay.Objects.Named("Deployment", "streamapi").At("spec.replicas") is not null
                || !adapter.Contains($"as: {scaler.At("spec.metrics.0.pods.metric.name").Text()}\n")
            select $"at {target} streams of {most}",

        ["a pod fits the restricted profile"] = overlay =>
            from workload in Some(overlay.Objects.Pods())
            let pod = workload.Template.At("spec")!
            let isFit = pod.At("securityContext.runAsNonRoot").Text() == "true"
                && Number(pod.At("securityContext.runAsUser")) > 0
                && pod.At("securityContext.seccompProfile.type").Text() == "RuntimeDefault"
                && pod.Text("automountServiceAccountToken") == "false"
            where
                !isFit
                || Manifests
                    .Containers(workload.Template)
                    .Any(container =>
                        container.At("securityContext.readOnlyRootFilesystem").Text() != "true"
                        || container.At("securityContext.allowPrivilegeEscalation").Text() != "false"
                        || container.At("securityContext.capabilities.drop.0").Text() != "ALL"
                        || container.At("resources.limits.memory") is null
                        || container.At("resources.requests.cpu") is null
                    )
            select workload.Name,

        // As deploy/nginx.conf, whose pitfalls have tests. Probes and metrics are for the cluster.
        ["an ingress does not buffer, keeps quiet streams and shows no probe"] = overlay =>
            from ingress in Some(overlay.Objects.Kind("Ingress"))
            let annotations = ingress.At("metadata.annotations").Strings()
            let timeout = annotations.GetValueOrDefault("nginx.ingress.kubernetes.io/proxy-read-timeout", "0")
            let paths = ingress.At("spec.rules.0.http")!.Items("paths").Select(path => path.Text("path"))
            where
                annotations.GetValueOrDefault("nginx.ingress.kubernetes.io/proxy-buffering") != "off"
                || annotations.GetValueOrDefault("nginx.ingress.kubernetes.io/proxy-http-version") != "1.1"
                || int.Parse(timeout, CultureInfo.InvariantCulture) <= 2 * new SseOptions().HeartbeatSeconds
                || !Nginx.Contains($"proxy_read_timeout {timeout}s;", StringComparison.Ordinal)
                || (ingress.Name() == "streamapi" && paths.Intersect(["/", "/health", "/alive", "/metrics"]).Any())
            select ingress.Name(),

        // By CloudNativePG's documentation. One of the standbys may fail, and the services may count them: otherwise
        // /health and the alerts know of none.
        ["the Postgres cluster commits on a standby and is the one that the services name"] = overlay =>
            from cluster in overlay.PostgresClusters
            let spec = cluster.At("spec")!
            let user = spec.At("bootstrap.initdb.owner").Text()
            let database = spec.At("bootstrap.initdb.database").Text()
            let address = $"Host={cluster.Name()}-rw;Database={database};Username={user};"
            let unknown = spec.Strings().Keys.Except(PostgresFields)
            where
                unknown.Any()
                || $"{cluster.Text("apiVersion")} {cluster.Text("kind")}" != "postgresql.cnpg.io/v1 Cluster"
                || spec.At("postgresql.synchronous.method").Text() != "any"
                || Number(spec.At("postgresql.synchronous.number")) < 1
                || Number(spec.At("instances")) < Number(spec.At("postgresql.synchronous.number")) + 2
                || spec.At("affinity.podAntiAffinityType").Text() != "required"
                || spec.At("bootstrap.initdb")!
                    .Items("postInitApplicationSQL")
                    .All(sql => sql.Text() != $"grant pg_monitor to {user}")
                || !overlay
                    .Objects.Named("ConfigMap", "stores")
                    .At("data.ConnectionStrings__eventstore")
                    .Text()
                    .StartsWith(address, StringComparison.Ordinal)
            select $"{cluster.Name()} {address} {string.Join(' ', unknown)}",

        ["Postgres accepts the connections of an upgrade at full scale"] = overlay =>
            [
                .. PostgresLimit.TooLow(
                    overlay.Services.Where(s => s.Name() != "webfrontend").Sum(overlay.MostPods),
                    overlay.Objects.SingleOrDefault(Manifests.IsCustom)?.At("spec.postgresql.parameters").Strings()
                        is { } parameters
                        ? $"max_connections={parameters["max_connections"]}"
                        : string.Join(' ', overlay.Containers.SelectMany(c => c.Items("args")).Select(a => a.Text()))
                ),
            ],
    };

    /// <summary>Its operator checks the rest.</summary>
    private static string[] PostgresFields =>
        [
            "affinity",
            "bootstrap",
            "imageName",
            "inheritedMetadata",
            "instances",
            "postgresql",
            "resources",
            "storage",
            "walStorage",
        ];

    /// <summary>The time that docs/deployment.md allows for the drain.</summary>
    private const int DrainSeconds = 15;

    private static string Nginx => File.ReadAllText(Path.Combine(Repository.Root, "deploy", "nginx.conf"));

    public static TheoryData<string, string> Cases =>
        new(from overlay in Manifests.Overlays from rule in Rules.Keys select (overlay, rule));

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_overlay_keeps_a_rule(string overlay, string rule) =>
        SourceFiles.AssertNone(Rules[rule](new Overlay(overlay)));

    [Fact]
    public void A_run_ends_within_the_drain() => Assert.True(new RunOptions().DrainSeconds < DrainSeconds);

    private static string DocOf(string page) => File.ReadAllText(Path.Combine(Repository.Root, "docs", page));

    private static Dictionary<string, string> LabelsOf(YamlNode workload) =>
        workload.At("spec.template.metadata.labels").Strings();

    private static IEnumerable<string> Unless(bool holds, string problem) => holds ? [] : [problem];

    /// <summary>Fails if there is nothing that a rule could be broken by.</summary>
    private static List<T> Some<T>(IEnumerable<T> found)
    {
        var all = found.ToList();
        Assert.NotEmpty(all);
        return all;
    }

    private static int Number(YamlNode? node) =>
        node is null ? 0 : int.Parse(node.Text(), CultureInfo.InvariantCulture);

    private sealed record Overlay(string Name)
    {
        public IReadOnlyList<YamlMappingNode> Objects { get; } = Manifests.Overlay(Name);

        /// <summary>The deployments of the services.</summary>
        public IEnumerable<YamlMappingNode> Services =>
            ((string[])["streamapi", "broadcaster", "webfrontend"]).Select(name => Objects.Named("Deployment", name));

        public IEnumerable<YamlNode> Containers => Objects.Pods().SelectMany(pod => Manifests.Containers(pod.Template));

        public IEnumerable<YamlMappingNode> Scalers =>
            Name == "ha" ? [Objects.Kind("HorizontalPodAutoscaler").Single()] : [];

        public IEnumerable<YamlMappingNode> PostgresClusters =>
            Name == "ha" ? [Objects.Single(Manifests.IsCustom)] : [];

        /// <summary>The labels of all pods, those of Postgres included.</summary>
        public IEnumerable<Dictionary<string, string>> Pods =>
            Objects
                .Pods()
                .Select(pod => pod.Template.At("metadata.labels").Strings())
                .Concat(Objects.Where(Manifests.IsCustom).Select(Selectors.PostgresPod));

        /// <summary>The most replicas of a service, and the one that an upgrade adds.</summary>
        public int MostPods(YamlMappingNode service)
        {
            var scaler = Objects
                .Kind("HorizontalPodAutoscaler")
                .SingleOrDefault(s => s.At("spec.scaleTargetRef.name").Text() == service.Name());
            return Number(scaler?.At("spec.maxReplicas") ?? service.At("spec.replicas"))
                + Number(service.At("spec.strategy.rollingUpdate.maxSurge"));
        }
    }
}
