using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Integration.Hosting;

[Trait("Takes", "long")]
public class TestingBuilderTests
{
    [Fact]
    public async Task The_AppHost_runs_in_a_test_on_free_ports_beside_another_stack()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--ephemeral"],
            HostedApplication.StartTimeout
        );
        Assert.DoesNotContain(builder.Resources, r => r.Name == "aspire-dashboard");
        var streamapi = Assert.Single(builder.Resources.OfType<ProjectResource>(), r => r.Name == "streamapi");
        Assert.Equal(2, streamapi.Annotations.OfType<ReplicaAnnotation>().Last().Replicas);

        await using var app = await builder.BuildAsync(HostedApplication.StartTimeout);
        await app.StartAsync(HostedApplication.StartTimeout);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("streamapi", HostedApplication.StartTimeout);

        Assert.NotEqual(5080, app.GetEndpoint("streamapi", "http").Port);
        using var http = app.CreateHttpClient("streamapi", "http");
        Assert.True((await http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        Assert.Contains(
            "Host=",
            await app.GetConnectionStringAsync("eventstore", HostedApplication.Timeout),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task An_AppHost_that_fails_before_it_builds_fails_the_test_with_its_own_error()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--LocalServices:Mode=nonsense"],
                HostedApplication.Timeout
            )
        );
        Assert.Contains("nonsense", error.Message, StringComparison.Ordinal);
    }
}
