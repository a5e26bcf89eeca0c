using System.Diagnostics;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Integration.Load;
using Integration.Seeds;
using LocalServices;
using Microsoft.Extensions.DependencyInjection;
using Stack;

#pragma warning disable ASPIRETERMINAL001 // Terminals are experimental: a later Aspire may change them.

namespace Integration.Hosting;

[Trait("Takes", "long")]
public class AppHostTests(StackFixture stack) : IClassFixture<StackFixture>
{
    [Fact]
    public async Task The_AppHost_runs_in_a_test_on_free_ports()
    {
        Assert.NotEqual(5080, stack.Address("streamapi").Port);
        using var http = stack.App.CreateHttpClient("streamapi", "http");
        Assert.True((await http.GetAsync("/health", TestContext.Current.CancellationToken)).IsSuccessStatusCode);
        var eventStore = await stack.App.GetConnectionStringAsync("eventstore", TestContext.Current.CancellationToken);
        Assert.Contains("Host=", eventStore, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_AppHost_has_its_resources_in_a_test_but_no_dashboard()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--ephemeral"],
            TestContext.Current.CancellationToken
        );
        Assert.DoesNotContain(builder.Resources, r => r.Name == "aspire-dashboard");

        var streamapi = Assert.Single(builder.Resources.OfType<ProjectResource>(), r => r.Name == "streamapi");
        Assert.Equal(2, streamapi.Annotations.OfType<ReplicaAnnotation>().Last().Replicas);
    }

    /// <summary>The program that the command of the dashboard opens in its dock, with pipes instead of a terminal: a
    /// terminal forks this process, which now and then hangs while many threads run.</summary>
    [Theory]
    [InlineData("postgres", "select 40 + 2 as answer from pg_roles limit 1;", "42")]
    [InlineData("redis-server", "eval 'return 40 + 2' 0", "42")]
    public async Task The_shell_of_a_store_is_signed_in(string store, string question, string answer)
    {
        var terminal = RequireNativeStore(store).Annotations.OfType<StoreShell>().Single().Terminal;

        var start = new ProcessStartInfo(terminal.Executable!, terminal.Arguments ?? [])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in terminal.EnvironmentVariables)
            start.Environment[name] = value;

        using var shell = Process.Start(start)!;
        await shell.StandardInput.WriteLineAsync(question);
        shell.StandardInput.Close();
        Assert.Contains(
            answer,
            await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );

        var commands = stack.App.Services.GetRequiredService<ResourceCommandService>();
        Assert.True((await commands.ExecuteCommandAsync(store, "repl", TestContext.Current.CancellationToken)).Success);
    }

    [Fact]
    public async Task The_pages_lead_to_the_dashboard_and_to_StreamApi_which_allows_their_origin()
    {
        var streamApi = stack.Address("streamapi");
        var pages = stack.Address("webfrontend");
        using var http = new HttpClient();

        using var page = await http.GetAsync(pages, TestContext.Current.CancellationToken);
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains($"data-dashboard=\"{StackFixture.Dashboard}\"", html, StringComparison.Ordinal);
        Assert.Contains($"data-stream-api=\"{Origin(streamApi)}\"", html, StringComparison.Ordinal);

        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(streamApi, "/v1/replicas"));
        request.Headers.Add("Origin", Origin(pages));
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal([Origin(pages)], answer.Headers.GetValues("Access-Control-Allow-Origin"));

        static string Origin(Uri address) => address.GetLeftPart(UriPartial.Authority);
    }

    [Fact]
    public async Task The_load_tests_find_every_server_of_the_stack()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for processes in /proc.");
        RequireNativeStore("postgres");
        string[] small = ["--seconds", "2", "--clients", "2", "--max-p99", "60000", "fanout"];
        using var run = await LoadTestsProcess.RunAsync(["--target", $"{stack.Address("streamapi")}", .. small]);

        Assert.True(run.ExitCode == 0, run.Errors);
        var servers = Assert.Single(run.Results).At("server.coresBy").EnumerateObject().Select(s => s.Name);
        Assert.Equal(["broadcaster", "postgres", "redis", "streamapi"], servers.Order());
    }

    [Fact]
    public async Task The_certificate_is_the_development_certificate_of_this_machine()
    {
        X509Certificate2? served = null;
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    (served = certificate as X509Certificate2) is not null,
            },
        };
        using var http = new HttpClient(handler);
        using var answer = await http.GetAsync(
            new Uri(stack.Address("streamapi", "https"), "/alive"),
            TestContext.Current.CancellationToken
        );

        Assert.True(answer.IsSuccessStatusCode);

        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser, OpenFlags.ReadOnly);
        Assert.Contains(served!.Thumbprint, store.Certificates.Select(c => c.Thumbprint));
    }

    [Fact]
    public async Task An_AppHost_that_fails_before_it_builds_fails_the_test_with_its_own_error()
    {
        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--LocalServices:Mode=nonsense"],
                TestContext.Current.CancellationToken
            )
        );
        Assert.Contains("nonsense", error.Message, StringComparison.Ordinal);
    }

    private IResource RequireNativeStore(string store)
    {
        var resources = stack.App.Services.GetRequiredService<DistributedApplicationModel>().Resources;
        Assert.SkipUnless(resources.Any(r => r.Name == store), "The stores are not processes of this machine.");
        return resources.Single(r => r.Name == store);
    }
}
