// Stands in for Aspire.Hosting.Testing. Not affiliated with Microsoft or the .NET Foundation.
using System.Reflection;
using System.Text.Json;

namespace Aspire.Hosting.Testing;

public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

public static class DistributedApplicationTestingBuilder
{
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        CancellationToken cancellationToken = default
    )
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args,
        CancellationToken cancellationToken = default
    )
        where TEntryPoint : class => CreateAsync<TEntryPoint>(args, (_, _) => { }, cancellationToken);

    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder,
        CancellationToken cancellationToken = default
    )
    {
        var hook = new EntryPointHook(typeof(TEntryPoint).Assembly, args, configureBuilder);
        return new TestingBuilder(
            await hook.RunToBuildAsync().WaitAsync(cancellationToken),
            hook.BuildAsync,
            hook.Abandon
        );
    }

    /// <summary>Creates a builder without an AppHost project; the test adds the resources.</summary>
    public static IDistributedApplicationTestingBuilder Create(params string[] args) => Create(args, (_, _) => { });

    public static IDistributedApplicationTestingBuilder Create(
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder
    )
    {
        var options = new DistributedApplicationOptions { Args = args };
        var builder = new DistributedApplicationBuilder(
            options,
            settings => TestingDefaults.Apply(options, settings, [], configureBuilder)
        );
        return new TestingBuilder(builder, () => Task.FromResult(builder.Build()), () => { });
    }

    private sealed class TestingBuilder(
        DistributedApplicationBuilder inner,
        Func<Task<DistributedApplication>> build,
        Action abandon
    ) : IDistributedApplicationTestingBuilder
    {
        private DistributedApplication? _app;

        public ConfigurationManager Configuration => inner.Configuration;
        public string AppHostDirectory => inner.AppHostDirectory;
        public Assembly? AppHostAssembly => inner.AppHostAssembly;
        public IHostEnvironment Environment => inner.Environment;
        public IServiceCollection Services => inner.Services;
        public DistributedApplicationExecutionContext ExecutionContext => inner.ExecutionContext;
        public IResourceCollection Resources => inner.Resources;

        public IResourceBuilder<T> AddResource<T>(T resource)
            where T : IResource => inner.AddResource(resource);

        public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
            where T : IResource => inner.CreateResourceBuilder(resource);

        public DistributedApplication Build() => BuildAsync(CancellationToken.None).GetAwaiter().GetResult();

        public async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken) =>
            _app ??= await build().WaitAsync(cancellationToken);

        public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

        public async ValueTask DisposeAsync()
        {
            if (_app is null)
                abandon();
            else
                await _app.DisposeAsync();
        }
    }
}

/// <summary>The defaults of a test: free ports, no dashboard, the
/// AppHost's launch profile. The test can override each.</summary>
internal static class TestingDefaults
{
    public static void Apply(
        DistributedApplicationOptions options,
        HostApplicationBuilderSettings settings,
        string[] args,
        Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure
    )
    {
        // As in Aspire: the AppHost's changes to its arguments come first, then the test's own arguments.
        options.Args = settings.Args = [.. settings.Args ?? [], .. args];
        options.DisableDashboard = true;
        settings.Configuration ??= new();
        settings.Configuration.AddInMemoryCollection(
            LaunchProfile(settings.ContentRootPath).Append(new("DcpPublisher:RandomizePorts", "true"))
        );
        configure(options, settings);
    }

    private static IEnumerable<KeyValuePair<string, string?>> LaunchProfile(string? directory)
    {
        var file = Path.Combine(directory ?? "", "Properties", "launchSettings.json");
        if (!File.Exists(file))
            yield break;
        using var settings = JsonDocument.Parse(File.ReadAllText(file));
        var profile = settings.RootElement.GetProperty("profiles").EnumerateObject().First().Value;
        foreach (var variable in profile.GetProperty("environmentVariables").EnumerateObject())
        {
            yield return new(variable.Name, variable.Value.GetString());
            // The host reads this variable without its prefix.
            if (variable.Name == "DOTNET_ENVIRONMENT")
                yield return new("ENVIRONMENT", variable.Value.GetString());
        }
    }
}

public static class DistributedApplicationHostingTestingExtensions
{
    public static HttpClient CreateHttpClient(
        this DistributedApplication app,
        string resourceName,
        string? endpointName = default
    )
    {
        var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();
        client.BaseAddress = app.GetEndpoint(resourceName, endpointName);
        return client;
    }

    public static Uri GetEndpoint(this DistributedApplication app, string resourceName, string? endpointName = default)
    {
        var resource = Find<IResourceWithEndpoints>(app, resourceName);
        var endpoint =
            new[] { endpointName, endpointName is null ? "https" : null, endpointName is null ? "http" : null }
                .OfType<string>()
                .Select(resource.GetEndpoint)
                .FirstOrDefault(e => e.IsAllocated)
            ?? throw new ArgumentException(
                $"Endpoint '{endpointName}' for resource '{resourceName}' not found.",
                nameof(endpointName)
            );
        return new Uri(endpoint.Url);
    }

    public static ValueTask<string?> GetConnectionStringAsync(
        this DistributedApplication app,
        string resourceName,
        CancellationToken cancellationToken = default
    ) => Find<IResourceWithConnectionString>(app, resourceName).GetConnectionStringAsync(cancellationToken);

    private static T Find<T>(DistributedApplication app, string resourceName)
        where T : IResource =>
        app
            .Services.GetRequiredService<DistributedApplicationModel>()
            .Resources.FirstOrDefault(r => r.Name == resourceName) switch
        {
            T found => found,
            null => throw new ArgumentException($"Resource '{resourceName}' not found.", nameof(resourceName)),
            _ => throw new ArgumentException(
                $"Resource '{resourceName}' is no {typeof(T).Name}.",
                nameof(resourceName)
            ),
        };
}
