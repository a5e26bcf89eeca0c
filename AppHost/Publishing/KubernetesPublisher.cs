using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;

namespace AppHost;

/// <summary>A Helm chart. <c>deploy/kubernetes</c> has more (budgets, policies, autoscaling, ingress); this corrects
/// the publisher's defaults that would break streams.</summary>
internal static partial class Publishing
{
    private static void AddKubernetes(
        IDistributedApplicationBuilder builder,
        IEnumerable<IResourceBuilder<ProjectResource>> projects
    )
    {
        // By default a volume is an emptyDir, and Postgres's data would go with its pod.
        builder
            .AddKubernetesEnvironment("kubernetes")
            .WithProperties(kubernetes =>
            {
                kubernetes.DefaultStorageType = "pvc";
                kubernetes.DefaultStorageSize = "100Gi";
            });
        foreach (var project in projects)
            project.PublishAsKubernetesService(service =>
            {
                if (service.Workload is not Deployment deployment)
                    return;
                var pod = deployment.Spec.Template.Spec;
                Harden(pod);
                if (project.Resource.Name == Migrations)
                    RunOnce(service, deployment);
                else
                    RunAsService(deployment, pod);
            });
    }

    private static void RunAsService(Deployment deployment, PodSpecV1 pod)
    {
        // The publisher's maxUnavailable is 1, so an upgrade would remove one of two replicas.
        deployment.Spec.Strategy.RollingUpdate.MaxUnavailable = 0;
        deployment.Spec.Strategy.RollingUpdate.MaxSurge = 1;
        deployment.Spec.MinReadySeconds = 15;
        // Longer than the pause before the drain and the drain itself.
        pod.TerminationGracePeriodSeconds = 30;
        var container = pod.Containers[0];
        container.Lifecycle = new LifecycleV1
        {
            // The other kinds have values from the start, and Kubernetes refuses more than one.
            PreStop = new LifecycleHandlerV1
            {
                Exec = null!,
                HttpGet = null!,
                TcpSocket = null!,
                Sleep = new SleepActionV1 { Seconds = 5 },
            },
        };
        container.StartupProbe = Probe(container, "/alive", periodSeconds: 1, failureThreshold: 60);
        container.LivenessProbe = Probe(container, "/alive", periodSeconds: 10, failureThreshold: 3);
        container.ReadinessProbe = Probe(container, "/health", periodSeconds: 2, failureThreshold: 2);
    }

    /// <summary>Turns the deployment into a job: the publisher has none, and would restart the migrations
    /// forever.</summary>
    private static void RunOnce(KubernetesResource service, Deployment deployment)
    {
        deployment.Spec.Template.Spec.RestartPolicy = "OnFailure";
        service.AdditionalResources.Add(new MigrationJob(deployment.Spec.Template));
        service.Workload = null;
        service.Service = null;
    }

    /// <summary>A probe whose scheme is in upper case; the publisher writes the endpoint's, which Kubernetes
    /// refuses.</summary>
    private static ProbeV1 Probe(ContainerV1 container, string path, int periodSeconds, int failureThreshold) =>
        new()
        {
            HttpGet = new HttpGetActionV1
            {
                Path = path,
                Port = container.Ports[0].ContainerPort,
                Scheme = "HTTP",
            },
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = 2,
            FailureThreshold = failureThreshold,
        };

    private static void Harden(PodSpecV1 pod)
    {
        pod.AutomountServiceAccountToken = false;
        pod.EnableServiceLinks = false;
        pod.SecurityContext = new PodSecurityContextV1
        {
            RunAsNonRoot = true,
            RunAsUser = 1654,
            SeccompProfile = new SeccompProfileV1 { Type = "RuntimeDefault" },
        };
        pod.Volumes.Add(
            new VolumeV1
            {
                Name = "tmp",
                EmptyDir = new EmptyDirVolumeSourceV1 { SizeLimit = "64Mi" },
            }
        );
        foreach (var container in pod.Containers)
        {
            container.VolumeMounts.Add(new VolumeMountV1 { Name = "tmp", MountPath = "/tmp" });
            container.SecurityContext = new SecurityContextV1
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = true,
                Capabilities = new CapabilitiesV1 { Drop = { "ALL" } },
            };
        }
    }

    /// <summary>A job for each release, because a job cannot be changed.</summary>
    private sealed class MigrationJob : BaseKubernetesResource
    {
        public MigrationJob(PodTemplateSpecV1 template)
            : base("batch/v1", "Job")
        {
            Metadata.Name = Migrations + "-{{ .Release.Revision }}";
            Spec = new JobSpec(BackoffLimit: 12, TtlSecondsAfterFinished: 86_400, template);
        }

        public JobSpec Spec { get; }
    }

    public sealed record JobSpec(int BackoffLimit, int TtlSecondsAfterFinished, PodTemplateSpecV1 Template);
}
