namespace Integration.Deploy;

/// <summary>Everything that the AppHost and the deployments do differently on purpose.</summary>
internal static class KnownDifferences
{
    private const string All = ".*",
        Containers = "kubernetes/.*|compose",
        Kubernetes = "kubernetes/.*";

    public static readonly Difference[] OnlyInTheAppHost =
    [
        new(All, "loadtests", All, "A tool that a developer starts from the dashboard."),
        new(All, "webfrontend", "variable Dashboard__Url", "Links to the dashboard of a developer's machine."),
        new(
            "kubernetes/.*|systemd",
            "streamapi|broadcaster|webfrontend",
            "variable OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "Only Aspire's dashboard needs explicit buckets, and these deployments have none."
        ),
        new(
            All,
            "streamapi",
            "variable AspireSse__Runs__DrainSeconds",
            "A developer's orchestrator kills a process after six seconds; deployments wait for the default."
        ),
        new(
            Containers,
            "streamapi|webfrontend",
            "port (5080|5090)",
            "Each container has a network of its own and listens on the image's port."
        ),
    ];

    public static readonly Difference[] OnlyInDeployments =
    [
        new(
            Kubernetes,
            "wait-for-schema",
            All,
            "Pods start in any order: an init container waits for the migrations, where the AppHost starts in order."
        ),
        new(Containers, "streamapi|broadcaster|webfrontend", "port 8080", "The image's port."),
        new(Kubernetes, "streamapi|broadcaster|webfrontend", "port 9464", "Metrics for Prometheus."),
        new(
            All,
            All,
            "variable Telemetry__Prometheus__Url",
            "Prometheus reads deployments; a developer has the dashboard."
        ),
        new("systemd", "streamapi", "port 5081", "The second replica; the AppHost's share 5080 behind its proxy."),
        new("systemd", "broadcaster", "port 507[01]", "The AppHost takes a free port; a unit needs a known one."),
        new(All, "streamapi", "variable Security__.*", "In Development everything on this machine has access."),
        new(
            All,
            "webfrontend",
            "variable (SignIn__Enabled|StreamApi__ApiKey)",
            "In Development nobody signs in, and StreamApi needs no key."
        ),
        new(
            All,
            "webfrontend",
            "variable ASPNETCORE_FORWARDEDHEADERS_ENABLED",
            "A proxy ends TLS; the AppHost's pages are asked directly."
        ),
        new(
            "compose",
            "broadcaster",
            "variable AspireSse__EventStore__MaxBytes",
            "An ordinary machine's disk; MAX_BYTES in .env."
        ),
        new("compose", "streamapi", "variable Replicas__Url", "A container has several addresses and one name."),
        new(
            Kubernetes,
            "streamapi",
            "variable AspireSse__Streaming__MaxConnections",
            "The default, written down beside the memory limit and the autoscaler's target, which follow from it."
        ),
        new(
            "kubernetes/ha",
            "streamapi",
            "variable AspireSse__Streaming__MaxAgeSeconds",
            "Moves streams to added replicas."
        ),
        new(
            Kubernetes,
            All,
            "variable (PGPASSWORD|POD_NAME|REDIS_SERVERS|REDIS_PASSWORD)",
            "Parts of other variables, from secrets and the pod."
        ),
        new("systemd", "webfrontend", "variable HOME", "The folder of the keys for cookies."),
        new(
            "compose",
            All,
            "variable (HOME|ASPNETCORE_HTTP_PORTS|DOTNET_RUNNING_IN_CONTAINER)",
            "The image sets them: a home for keys, one port, .NET's own flag."
        ),
        new(
            "compose",
            "migrations|streamapi|broadcaster",
            "variable (ASPNETCORE_(ENVIRONMENT|URLS)|DOTNET_ENVIRONMENT|ConnectionStrings__redis)",
            "One block for all three; each reads its part."
        ),
        new(
            "compose",
            "migrations",
            "(port 8080|variable OTEL_EXPORTER.*)",
            "The image and the block of the services."
        ),
        new("systemd", "migrations", "variable ConnectionStrings__redis", "Both stores are in one file, stores.env."),
    ];

    /// <summary>Set by the orchestrator or depending on this machine, so no list is held to them.</summary>
    public static readonly Difference[] OfTheOrchestrator =
    [
        new(
            All,
            All,
            "variable OTEL_(SERVICE_NAME|RESOURCE_ATTRIBUTES|EXPORTER_OTLP_(ENDPOINT|HEADERS|PROTOCOL))",
            "The orchestrator names the replicas and sends to its dashboard; a deployment names its own destination."
        ),
        new(
            All,
            All,
            "variable (OTEL_(DOTNET_EXPERIMENTAL|BLRP|BSP|METRIC_EXPORT|TRACES_SAMPLER|METRICS_EXEMPLAR).*"
                + "|OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
                + "|DOTNET_SYSTEM_CONSOLE_.*|LOGGING__CONSOLE__.*|ASPNETCORE_HTTPS_PORT)",
            "Aspire's settings for output and telemetry of a developer's machine."
        ),
        new(
            All,
            "webfrontend",
            "variable ((STREAMAPI|BROADCASTER)_HTTPS?|services__streamapi__https__n)",
            "Aspire's second names of addresses, and TLS where this machine has a certificate for developers."
        ),
        new(
            All,
            "streamapi|broadcaster|migrations",
            "variable (EVENTSTORE|REDIS)_.*",
            "Aspire's names for the parts of a connection string, which no service reads."
        ),
        new(All, "streamapi", "port 5443", "TLS where this machine has a certificate for developers."),
    ];
}
