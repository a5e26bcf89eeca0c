using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm;

namespace AppHost;

/// <summary>Docker Compose. <c>deploy/compose.yaml</c> is the complete system with a proxy and TLS; this file has the
/// AppHost's model, for teams that deploy with Aspire.</summary>
internal static partial class Publishing
{
    private static void AddCompose(
        IDistributedApplicationBuilder builder,
        IEnumerable<IResourceBuilder<ProjectResource>> projects
    )
    {
        builder.AddDockerComposeEnvironment("compose");
        foreach (var project in projects)
            project.PublishAsDockerComposeService((_, service) => Harden(project.Resource, service));
        foreach (
            var store in builder.Resources.OfType<ContainerResource>().Select(builder.CreateResourceBuilder).ToList()
        )
            store.PublishAsDockerComposeService((_, service) => Keep(store.Resource, service));
    }

    /// <summary>Restarts a store after a crash or a reboot, and lets others wait until Postgres answers.</summary>
    private static void Keep(ContainerResource store, Service service)
    {
        service.Restart = "unless-stopped";
        service.StopGracePeriod = "60s";
        if (store.Name == Postgres)
            service.Healthcheck = new Healthcheck
            {
                // By TCP: the server that creates the database at the first start has only a socket.
                Test = ["CMD-SHELL", "pg_isready -h 127.0.0.1"],
                Interval = "2s",
                Timeout = "5s",
                Retries = 30,
                StartPeriod = "60s",
            };
    }

    private static void Harden(ProjectResource project, Service service)
    {
        service.ReadOnly = true;
        service.Tmpfs.Add("/tmp");
        service.CapDrop.Add("ALL");
        service.SecurityOpt.Add("no-new-privileges:true");
        // The publisher's condition is service_started, and the migrations do not wait by themselves.
        if (service.DependsOn.TryGetValue(Postgres, out var postgres))
            postgres.Condition = "service_healthy";
        if (project.Name == Migrations)
        {
            service.Restart = "on-failure";
            return;
        }
        service.Restart = "unless-stopped";
        service.StopGracePeriod = "20s";
        service.Ulimits["nofile"] = new Ulimit { Soft = 65_536, Hard = 65_536 };
        // The publisher ignores WithReplicas. Replicas cannot share a port of the host, so each gets the next one.
        if (Replicas(project) is > 1 and var replicas)
        {
            service.Deploy = new Deploy { Replicas = replicas };
            service.Ports = [.. service.Ports.Select(port => ForReplicas(port, replicas))];
        }
    }

    /// <summary>Turns <c>5080:8080</c> into <c>5080-5081:8080</c>.</summary>
    private static string ForReplicas(string port, int replicas) =>
        port.Split(':', 2) is [var published, var inner] && int.TryParse(published, out var first)
            ? $"{first}-{first + replicas - 1}:{inner}"
            : port;
}
