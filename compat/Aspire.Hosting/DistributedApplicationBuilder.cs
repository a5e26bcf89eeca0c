// Stands in for Aspire.Hosting's DistributedApplicationBuilder. Not affiliated with Microsoft or the .NET Foundation.
using System.Reflection;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting;

public enum DistributedApplicationOperation
{
    Run,
    Publish,
}

public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    public DistributedApplicationOperation Operation { get; } = operation;
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;
}

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }
    public string? AssemblyName { get; set; }
    public string? ProjectDirectory { get; set; }
    public bool DisableDashboard { get; set; }
}

public interface IDistributedApplicationBuilder
{
    ConfigurationManager Configuration { get; }
    string AppHostDirectory { get; }
    Assembly? AppHostAssembly { get; }
    IHostEnvironment Environment { get; }
    IServiceCollection Services { get; }
    DistributedApplicationExecutionContext ExecutionContext { get; }
    IResourceCollection Resources { get; }
    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;
    IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource;
    DistributedApplication Build();
}

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly EntryPointHook? _hook = EntryPointHook.Current;
    private readonly ResourceCollection _resources = [];

    public DistributedApplicationBuilder(string[] args)
        : this(new DistributedApplicationOptions { Args = args }) { }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
        : this(options, null) { }

    internal DistributedApplicationBuilder(
        DistributedApplicationOptions options,
        Action<HostApplicationBuilderSettings>? configure
    )
    {
        AppHostAssembly =
            _hook?.AppHostAssembly
            ?? (options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly());
        AppHostDirectory =
            options.ProjectDirectory
            ?? BuildMetadata.Of(AppHostAssembly, "AppHostProjectPath")
            ?? Directory.GetCurrentDirectory();
        var settings = new HostApplicationBuilderSettings
        {
            Args = options.Args,
            ContentRootPath = AppHostDirectory,
            ApplicationName = AppHostAssembly?.GetName().Name,
        };
        _hook?.Configure(options, settings);
        configure?.Invoke(settings);
        _host = new HostApplicationBuilder(settings);
        _host
            .Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning)
            .AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None)
            .AddFilter("System.Net.Http", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

        Services
            .AddSingleton(ExecutionContext)
            .AddSingleton(new DistributedApplicationModel(_resources))
            .AddSingleton(new AppHostInfo(AppHostDirectory, AppHostAssembly));
        Services.AddSingleton<ResourceLoggerService>().AddHealthChecks();
        // Replicas listen on loopback, which .NET would reach through the environment's proxy.
        Services
            .AddHttpClient(nameof(HealthMonitor))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseProxy = false });
        Services.Configure<ResourceNotificationServiceOptions>(o =>
            o.DefaultWaitBehavior = options.DisableDashboard
                ? WaitBehavior.StopOnResourceUnavailable
                : WaitBehavior.WaitOnResourceUnavailable
        );
        Services.AddSingleton(s => new ResourceNotificationService(
            s.GetRequiredService<IOptions<ResourceNotificationServiceOptions>>().Value
        ));
        Services.AddSingleton(s => new ResourceCommandService(s, s.GetRequiredService<ResourceNotificationService>()));
        Services.AddOrchestration();
        if (!options.DisableDashboard)
            this.AddDashboard();
    }

    public ConfigurationManager Configuration => _host.Configuration;
    public string AppHostDirectory { get; }
    public Assembly? AppHostAssembly { get; }
    public IHostEnvironment Environment => _host.Environment;
    public IServiceCollection Services => _host.Services;
    public DistributedApplicationExecutionContext ExecutionContext { get; } = new(DistributedApplicationOperation.Run);
    public IResourceCollection Resources => _resources;

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (_resources.Any(r => string.Equals(r.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{resource.GetType()}' with name '{resource.Name}' because a resource "
                    + "with that name already exists."
            );
        _resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _hook?.Building(this);
        var app = new DistributedApplication(_host.Build());
        _hook?.Built(app);
        return app;
    }
}

internal sealed record AppHostInfo(string Directory, Assembly? Assembly);

internal static class BuildMetadata
{
    public static string? Of(Assembly? assembly, string key) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == key)?.Value;

    public static string Own(string key) =>
        Of(typeof(BuildMetadata).Assembly, key)
        ?? throw new InvalidOperationException(
            $"{key} is missing from the assembly. Compat.Aspire.Hosting.csproj sets it: build the project again."
        );
}
