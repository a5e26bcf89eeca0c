using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Supervision;

namespace LocalServices;

internal static class ContainerStores
{
    private const string Remedy =
        "Where no image can be pulled, --LocalServices:Mode=native (LocalServices__Mode=native) runs Postgres and Redis "
        + "without containers; "
        + "ConnectionStrings:eventstore and ConnectionStrings:redis name servers of your own.";

    public const string PostgresRemedy =
        "Where the password is refused, the volume postgres-data was made with another: "
        + "set Parameters:postgres-password to that one, or remove the volume (its data with it: docker volume rm postgres-data).";

    public static IResourceBuilder<IResourceWithConnectionString> AddEventStore(
        IDistributedApplicationBuilder builder,
        LocalServicesOptions options
    )
    {
        var postgres = builder.AddPostgres("postgres").WithRemedy(Remedy);
        return (options.Ephemeral ? postgres : postgres.WithDataVolume()).AddDatabase("eventstore");
    }

    /// <summary>Without a volume: Redis holds nothing that Postgres does not.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddRedis(IDistributedApplicationBuilder builder) =>
        builder.AddRedis("redis").WithRemedy(Remedy);
}
