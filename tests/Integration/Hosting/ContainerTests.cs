using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Integration.Hosting;

/// <summary>Postgres and Redis as containers, as far as that shows without a container runtime.</summary>
public sealed class ContainerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("containers-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("", HealthStatus.Unhealthy)] // DCP's proxy accepts, and the container refuses
    [InlineData("E", HealthStatus.Unhealthy)] // the database system is starting up
    [InlineData("R", HealthStatus.Healthy)]
    public async Task A_container_of_Postgres_is_healthy_when_its_server_asks_for_the_password(
        string answer,
        HealthStatus expected
    )
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var builder = Builder();
        var postgres = builder.AddPostgres("postgres");
        var endpoint = postgres.Resource.Annotations.OfType<EndpointAnnotation>().Single();
        endpoint.AllocatedEndpoint = new(endpoint, "127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port);
        var key = Assert.Single(postgres.Resource.Annotations.OfType<HealthCheckAnnotation>()).Key;

        await using var services = builder.Services.BuildServiceProvider();
        var check = services
            .GetRequiredService<HealthCheckService>()
            .CheckHealthAsync(registration => registration.Name == key, Token);
        using (var client = await listener.AcceptTcpClientAsync(Token))
        {
            await client.GetStream().ReadExactlyAsync(new byte[23], Token);
            await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer), Token);
        }

        Assert.Equal(expected, (await check).Entries[key].Status);
    }

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

    [Fact]
    public async Task A_generated_password_is_kept_once_for_all_starts_and_only_its_owner_can_read_it()
    {
        var file = Path.Combine(_folder, "id", "secrets.json");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllTextAsync(file, """{ "Mine": "1", /* kept */ }""", Token);
        var starts = Enumerable
            .Range(0, 8)
            .Select(n => Task.Run(() => UserSecretsFile.GetOrAdd(file, "Parameters:postgres-password", $"{n}"), Token));
        var password = Assert.Single((await Task.WhenAll(starts)).Distinct());
        Assert.Equal(password, UserSecretsFile.GetOrAdd(file, "Parameters:postgres-password", "later"));
        Assert.Equal("1", UserSecretsFile.GetOrAdd(file, "Mine", "2"));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    private static string Volume(IResourceBuilder<IResource> resource) =>
        resource.Resource.Annotations.OfType<ContainerMountAnnotation>().Single().Source!;

    private static IDistributedApplicationBuilder Builder(string? appHost = null) =>
        DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions { DisableDashboard = true, ProjectDirectory = appHost }
        );
}
