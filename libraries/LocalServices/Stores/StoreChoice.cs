using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace LocalServices;

/// <summary>Chooses how each store runs: the user's own, else a container, else a process of this machine.</summary>
internal static class StoreChoice
{
    private const string OwnRemedy =
        "Check ConnectionStrings:eventstore: address, user, password, and that the user owns the database.";

    /// <exception cref="LocalServicesException">The machine lacks what the choice needs.</exception>
    public static LocalStores Of(IDistributedApplicationBuilder builder)
    {
        var options = LocalServicesOptions.From(builder.Configuration);
        var own = new Func<string, IResourceBuilder<IResourceWithConnectionString>?>(name =>
            string.IsNullOrWhiteSpace(builder.Configuration.GetConnectionString(name))
                ? null
                : builder.AddConnectionString(name)
        );
        var (eventStore, redis) = (own("eventstore"), own("redis"));
        if (eventStore is not null && redis is not null)
            return new LocalStores(eventStore, redis, OwnRemedy);

        var runtime = ContainerRuntime.From(builder.Configuration);
        var program = builder.ExecutionContext.IsPublishMode
            ? null
            : runtime.Choose(options.Mode, [ContainerStores.Postgres, ContainerStores.Redis], Console.Out);
        if (program is not null)
            builder.Configuration[ContainerRuntime.Setting] = Path.GetFileName(program);

        if (builder.ExecutionContext.IsPublishMode || program is not null)
        {
            var containers = new ContainerStores(builder, options, runtime);
            return new LocalStores(
                eventStore ?? containers.AddEventStore(),
                redis ?? containers.AddRedis(),
                eventStore is null ? containers.PostgresRemedy : OwnRemedy
            );
        }

        var native = new NativeStores(
            builder,
            LocalFolder.For(builder.AppHostDirectory, options, builder.Services),
            options
        );

        return new LocalStores(
            eventStore ?? native.AddEventStore(),
            redis ?? native.AddRedis(),
            eventStore is null ? native.PostgresRemedy : OwnRemedy
        );
    }
}
