using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Harness.Deployments;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Deploy;

/// <summary>The services of the AppHost's own resource model, which is built and not started.</summary>
public sealed class AppHostModel : IAsyncLifetime
{
    /// <summary>With stores of its own, the AppHost looks for no servers on this machine.</summary>
    private static readonly string[] Arguments =
    [
        "--ConnectionStrings:eventstore=Host=localhost",
        "--ConnectionStrings:redis=localhost",
        "--Dashboard:Url=http://dashboard.test",
    ];

    internal IReadOnlyList<DeployedService> Services { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(Arguments, cancellation);
        await using var app = await builder.BuildAsync(cancellation);
        var resources = app.Services.GetRequiredService<DistributedApplicationModel>().Resources;
        foreach (var endpoint in resources.SelectMany(r => r.Annotations.OfType<EndpointAnnotation>()))
            Allocate(endpoint);

        var execution = app.Services.GetRequiredService<DistributedApplicationExecutionContext>();
        var services = new List<DeployedService>();
        foreach (var project in resources.OfType<ProjectResource>())
            services.Add(
                new DeployedService(
                    project.Name,
                    project.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1,
                    [
                        .. project
                            .Annotations.OfType<EndpointAnnotation>()
                            .Where(e => e.Port is not null)
                            .Select(e => $"{e.Port}"),
                    ],
                    await ArgumentsAsync(project),
                    await EnvironmentAsync(project, execution)
                )
            );

        Services = services;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Gives an endpoint an address, as the orchestrator does at the start: the callbacks below read
    /// it.</summary>
    private static void Allocate(EndpointAnnotation endpoint) =>
        endpoint.AllocatedEndpoint = new AllocatedEndpoint(
            endpoint,
            "localhost",
            endpoint.Port ?? 1,
            targetPortExpression: "1"
        );

    private static async Task<string> ArgumentsAsync(ProjectResource project)
    {
        var context = new CommandLineArgsCallbackContext([], project);
        foreach (var callback in project.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
            await callback.Callback(context);
        return string.Join(' ', context.Args);
    }

    /// <summary>Names of the variables; their values are known at the start only.</summary>
    private static async Task<Dictionary<string, string>> EnvironmentAsync(
        ProjectResource project,
        DistributedApplicationExecutionContext execution
    )
    {
        var context = new EnvironmentCallbackContext(execution, project);
        foreach (var callback in project.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await callback.Callback(context);
        return context.EnvironmentVariables.Keys.ToDictionary(name => name, _ => "");
    }
}
