using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices;

namespace Integration.Hosting;

/// <summary>Postgres and Redis as containers, as far as that shows without a container runtime.</summary>
public sealed class ContainerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("containers-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Clones_have_volumes_of_their_own()
    {
        var volume = Volume(Builder().AddPostgres("postgres").WithDataVolume());
        Assert.EndsWith("-postgres-data", volume, StringComparison.Ordinal);
        Assert.NotEqual(volume, Volume(Builder(_folder).AddPostgres("postgres").WithDataVolume()));
    }

    [Fact]
    public void The_remedy_names_the_volume_that_this_clone_uses()
    {
        var builder = Builder(Directory.CreateDirectory(Path.Combine(_folder, "AppHost")).FullName);
        var options = new LocalServicesOptions(LocalServicesMode.Containers, Ephemeral: false, 0, 0);
        var stores = new ContainerStores(builder, options, new ContainerRuntime([], _ => false));

        stores.AddEventStore();
        var volume = Volume(builder.CreateResourceBuilder(builder.Resources.OfType<PostgresServerResource>().Single()));
        Assert.Contains($"docker volume rm {volume} ", stores.PostgresRemedy, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, ".local", "data", "containers.lock")));
    }

    private static string Volume(IResourceBuilder<IResource> resource) =>
        resource.Resource.Annotations.OfType<ContainerMountAnnotation>().Single().Source!;

    private static IDistributedApplicationBuilder Builder(string? appHost = null) =>
        DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions { DisableDashboard = true, ProjectDirectory = appHost }
        );
}
