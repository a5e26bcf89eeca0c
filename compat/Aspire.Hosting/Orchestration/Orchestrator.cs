// Part of the stand-in for Aspire.Hosting: starts, watches and stops the application through
// Aspire's own orchestrator (DCP). Not affiliated with Microsoft or the .NET Foundation.
using System.Collections.Immutable;
using Aspire.Hosting.Bundle;
using Aspire.Hosting.Dashboard;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Aspire.Hosting.Orchestration;

internal static class OrchestrationServices
{
    public static void AddOrchestration(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services
            .AddSingleton<EndpointAllocator>()
            .AddSingleton<SpecFactory>()
            .AddSingleton<HealthMonitor>()
            .AddSingleton<Orchestrator>();
        services.AddHostedService(s => s.GetRequiredService<Orchestrator>());
    }
}

internal sealed class Orchestrator(
    IServiceProvider services,
    DistributedApplicationModel model,
    AppHostInfo appHost,
    EndpointAllocator endpoints,
    SpecFactory specs,
    HealthMonitor health,
    IConfiguration configuration,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    TimeProvider time,
    ILogger<DistributedApplication> logger
) : IHostedService, IDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);
    private readonly CancellationTokenSource _stopping = new(); // cancelled first: ends starts and health checks
    private readonly CancellationTokenSource _observing = new(); // cancelled last: the stop itself is observed
    private readonly List<Task> _background = [];
    private readonly Lock _stopGate = new();
    private ImmutableDictionary<string, Instance> _instances = ImmutableDictionary<string, Instance>.Empty;
    private DcpClient? _dcp;
    private Task? _stopped;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        logger.LogInformation(
            "Aspire version: {Version} (orchestrator and dashboard; hosting by compat/Aspire.Hosting; "
                + "UseAspirePackages=true takes the packages)",
            BuildMetadata.Own("AspireVersion")
        );
        logger.LogInformation("Distributed application starting.");
        logger.LogInformation("Application host directory is: {Directory}", appHost.Directory);
        using var starting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        var bundle = await RestoreBundleAsync(starting.Token);
        var resourceService = services.GetService<ResourceServiceHost>();
        endpoints.RequireFreePorts(model.Resources, resourceService?.FixedPort);
        var instances = model.Resources.SelectMany(Instance.Of).ToArray();
        _instances = instances.ToImmutableDictionary(i => i.Id);
        foreach (var process in instances.Where(i => i.IsProcess).Select(i => i.Resource).Distinct())
            LifecycleCommands.AddTo(process, this);
        var created = time.GetUtcNow().UtcDateTime;
        foreach (var instance in instances)
            Publish(instance, _ => InitialSnapshot.Of(instance, created));

        _dcp = await DcpHost.StartAsync(
            bundle.Orchestrator,
            configuration["DcpPublisher:ContainerRuntime"],
            starting.Token
        );
        await endpoints.AllocateAsync(_dcp, model.Resources, starting.Token);
        foreach (var instance in instances)
            Publish(instance, s => s with { Urls = InitialSnapshot.Urls(instance) });
        if (resourceService is not null)
            await resourceService.StartAsync(starting.Token);

        InBackground(new DcpObserver(_dcp, _instances, notifications, loggers).RunAsync(_observing.Token));
        foreach (var instance in instances)
            InBackground(health.RunAsync(instance, _stopping.Token));
        foreach (
            var instance in instances.Where(i => !i.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any())
        )
            InBackground(StartWhenReadyAsync(instance, _stopping.Token));
        logger.LogInformation("Distributed application started. Press Ctrl+C to shut down.");
    }

    public void Dispose()
    {
        _dcp?.Dispose();
        _stopping.Dispose();
        _observing.Dispose();
        foreach (var instance in _instances.Values)
            instance.Turn.Dispose();
    }

    /// <summary>Stops everything, dependents first. Later calls return the same stop.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        lock (_stopGate)
            return _stopped ??= StopAllAsync();
    }

    public async Task StartInstanceAsync(string id, CancellationToken cancellationToken)
    {
        var instance = _instances[id];
        await instance.Turn.WaitAsync(cancellationToken);
        try
        {
            Publish(
                instance,
                s => s with { State = KnownResourceStates.Starting, StopTimeStamp = null, ExitCode = null }
            );
            if (instance.Spec is not null)
                await _dcp!.DeleteAsync(instance.Plural, id, cancellationToken);
            instance.Ports.Clear();
            instance.Spec = await specs.CreateAsync(instance, cancellationToken);
            await _dcp!.CreateAsync(instance.Plural, instance.Spec, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(instance, e);
        }
        finally
        {
            instance.Turn.Release();
        }
    }

    public async Task StopInstanceAsync(string id, CancellationToken cancellationToken)
    {
        var instance = _instances[id];
        if (instance.Spec is null)
            return;
        if (!await _dcp!.StopAsync(instance.Plural, id, cancellationToken))
            return; // stopped and not yet started again
        await notifications.WaitForResourceAsync(id, e => e.Snapshot.IsTerminal, cancellationToken);
    }

    public async Task RestartInstanceAsync(string id, CancellationToken cancellationToken)
    {
        await StopInstanceAsync(id, cancellationToken);
        await StartInstanceAsync(id, cancellationToken);
    }

    private static async Task<AspireBundle> RestoreBundleAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AspireBundle.RestoreAsync(Console.Out, cancellationToken);
        }
        catch (BundleUnavailableException e)
        {
            throw new DistributedApplicationException(e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException(
                $"Aspire's dashboard and orchestrator could not be written to this clone: {e.Message} Check the space "
                    + "and the owner of .local/, and start again.",
                e
            );
        }
    }

    private async Task StartWhenReadyAsync(Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            var waits = instance.Resource.Annotations.OfType<WaitAnnotation>().ToArray();
            if (waits.Length > 0)
            {
                Publish(instance, s => s with { State = KnownResourceStates.Waiting });
                foreach (var wait in waits)
                    loggers
                        .GetLogger(instance.Id)
                        .LogInformation("Waiting for resource '{Resource}' to {Goal}.", wait.Resource.Name, wait.Goal);
                await notifications.WaitForDependenciesAsync(instance.Resource, cancellationToken);
            }
            if (!instance.IsProcess)
                await ShowValueAsync(instance, cancellationToken);
            else if (instance.Spec is null)
                await StartInstanceAsync(instance.Id, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(instance, e);
        }
    }

    private async Task ShowValueAsync(Instance instance, CancellationToken cancellationToken)
    {
        var property = instance.Resource switch
        {
            ParameterResource parameter => new ResourcePropertySnapshot(
                "Value",
                await parameter.GetValueAsync(cancellationToken)
            )
            {
                IsSensitive = parameter.Secret,
            },
            IResourceWithConnectionString source => new(
                "resource.connectionString",
                await source.GetConnectionStringAsync(cancellationToken)
            )
            {
                IsSensitive = true,
            },
            _ => null,
        };
        Publish(
            instance,
            s =>
                s with
                {
                    State = new(KnownResourceStates.Running, "success"),
                    Properties = property is null ? s.Properties : [property],
                }
        );
    }

    private async Task StopAllAsync()
    {
        await _stopping.CancelAsync();
        if (_dcp is not null)
        {
            logger.LogInformation("Distributed application stopping.");
            await StopProcessesAsync();
            using var timeout = new CancellationTokenSource(StopTimeout);
            await Ended(_dcp.StopServerAsync(timeout.Token));
        }
        await _observing.CancelAsync();
        await Ended(Task.WhenAll(_background).WaitAsync(StopTimeout));
        if (services.GetService<ResourceServiceHost>() is { } resourceService)
            await Ended(resourceService.StopAsync().WaitAsync(StopTimeout));
    }

    private async Task StopProcessesAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout);
        try
        {
            // The dashboard stops last, because it receives the services' last telemetry.
            var processes = _instances
                .Values.Where(i => i.Spec is not null && i.Resource.Name != DashboardResource.Name)
                .ToLookup(i => i.Resource);
            foreach (var group in StopOrder.Of([.. model.Resources.Where(processes.Contains)]))
                await Task.WhenAll(
                    group.SelectMany(r => processes[r]).Select(i => StopInstanceAsync(i.Id, timeout.Token))
                );
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException or HttpRequestException)
        {
            logger.LogWarning(
                "Some resources did not stop in order ({Reason}); the orchestrator ends the rest.",
                e.Message
            );
        }
    }

    private static Task Ended(Task task) => task.ContinueWith(_ => { }, TaskScheduler.Default);

    private void InBackground(Task task)
    {
        _background.Add(task);
        _ = task.ContinueWith(
            t => logger.LogError(t.Exception, "The orchestration of a resource failed."),
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default
        );
    }

    private void Fail(Instance instance, Exception e)
    {
        loggers
            .GetLogger(instance.Id)
            .LogError("{Message}", e is DistributedApplicationException ? e.Message : e.ToString());
        Publish(instance, s => s with { State = new(KnownResourceStates.FailedToStart, "error") });
    }

    private void Publish(Instance instance, Func<CustomResourceSnapshot, CustomResourceSnapshot> change) =>
        notifications.PublishUpdateAsync(instance.Resource, instance.Id, change);
}
