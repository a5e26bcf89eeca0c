using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Supervision;

namespace LocalServices;

internal static class ContainerStores
{
    public static readonly ContainerImage Postgres = new("docker.io", "library/postgres", "17.6"),
        Redis = new("docker.io", "library/redis", "8.6");

    public const string Remedy =
        "If the container runtime does not answer, restart it. If an image cannot be pulled, or to go on without "
        + "containers, run Postgres and Redis as processes of this machine: --LocalServices:Mode=native "
        + "(LocalServices__Mode=native), or use your own servers: ConnectionStrings:eventstore and "
        + "ConnectionStrings:redis.";

    public const string PostgresRemedy =
        "If the password is refused, the volume postgres-data was created with another one: "
        + "set Parameters:postgres-password to that, or remove the volume with its data: "
        + "docker volume rm postgres-data.";

    public static IResourceBuilder<IResourceWithConnectionString> AddEventStore(
        IDistributedApplicationBuilder builder,
        LocalServicesOptions options
    )
    {
        // Each replica and Broadcaster may open 60; Postgres's default is 100.
        var postgres = builder
            .AddPostgres("postgres")
            .WithImageTag(Postgres.Tag)
            .WithArgs("postgres", "-c", "max_connections=300")
            .WithRemedy(Remedy);
        return (options.Ephemeral ? postgres : postgres.WithDataVolume()).AddDatabase("eventstore");
    }

    /// <summary>Adds Redis without a volume, because all of its data is also in Postgres.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddRedis(IDistributedApplicationBuilder builder) =>
        builder.AddRedis("redis").WithImageTag(Redis.Tag).WithRemedy(Remedy);
}
