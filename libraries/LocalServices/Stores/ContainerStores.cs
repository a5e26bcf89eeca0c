using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Supervision;
using Microsoft.Extensions.DependencyInjection;

namespace LocalServices;

/// <summary>Redis and Postgres as containers.</summary>
internal sealed class ContainerStores(
    IDistributedApplicationBuilder builder,
    LocalServicesOptions options,
    ContainerRuntime runtime
)
{
    public static readonly ContainerImage Postgres = new("docker.io", "library/postgres", "17.6");
    public static readonly ContainerImage Redis = new("docker.io", "library/redis", "8.6");

    public const string Remedy =
        "If the container runtime does not answer, restart it. If an image cannot be pulled, or to go on without "
        + "containers, run Postgres and Redis as processes of this machine: --LocalServices:Mode=native "
        + "(LocalServices__Mode=native), or use your own servers: ConnectionStrings:eventstore and "
        + "ConnectionStrings:redis.";

    private string? _volume;

    /// <summary>The advice when Postgres refuses the services. Valid after <see cref="AddEventStore"/>.</summary>
    public string PostgresRemedy =>
        _volume is null
            ? Remedy
            : $"If the password is refused, the volume {_volume} was created with another one: "
                + "set Parameters:postgres-password to that, or remove the volume with its data: "
                + $"docker volume rm {_volume} (Podman: podman volume rm {_volume}).";

    public IResourceBuilder<IResourceWithConnectionString> AddEventStore()
    {
        // Each replica and Broadcaster may open 60; Postgres's default is 100.
        var postgres = builder
            .AddPostgres("postgres")
            .WithImageTag(Postgres.Tag)
            .WithArgs("postgres", "-c", "max_connections=300")
            .WithRepl()
            .WithRemedy(Remedy);

        if (!options.Ephemeral)
            Keep(postgres.WithDataVolume());

        return postgres.AddDatabase("eventstore");
    }

    /// <summary>Adds Redis without a volume, because all of its data is also in Postgres.</summary>
    public IResourceBuilder<IResourceWithConnectionString> AddRedis() =>
        builder.AddRedis("redis").WithImageTag(Redis.Tag).WithRepl().WithRemedy(Remedy);

    private void Keep(IResourceBuilder<ContainerResource> postgres)
    {
        _volume = postgres
            .Resource.Annotations.OfType<ContainerMountAnnotation>()
            .Single(mount => mount.Type == ContainerMountType.Volume)
            .Source!;
        if (builder.ExecutionContext.IsPublishMode)
            return;

        var data = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".local", "data"));
        var held = VolumeLock.Take(data, _volume, runtime);
        builder.Services.AddHostedService(_ => held);
    }
}
