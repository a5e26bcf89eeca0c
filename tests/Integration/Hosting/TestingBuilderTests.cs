using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Stack;

namespace Integration.Hosting;

public class TestingBuilderTests(StackFixture stack)
{
    [Fact]
    public async Task The_AppHost_runs_in_a_test_on_free_ports()
    {
        Assert.NotEqual(5080, stack.Address("streamapi").Port);
        using var http = stack.App.CreateHttpClient("streamapi", "http");
        Assert.True((await http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        Assert.Contains("Host=", stack.EventStore, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_AppHost_has_its_resources_in_a_test_but_no_dashboard()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--ephemeral"],
            HostedApplication.StartTimeout
        );
        Assert.DoesNotContain(builder.Resources, r => r.Name == "aspire-dashboard");
        var streamapi = Assert.Single(builder.Resources.OfType<ProjectResource>(), r => r.Name == "streamapi");
        Assert.Equal(2, streamapi.Annotations.OfType<ReplicaAnnotation>().Last().Replicas);
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
