using Broadcaster;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using StreamApi;
using WebFrontend;

namespace Harness.Worlds;

/// <summary>
/// One of our services within the test's process, as its program builds it, with its own port, settings, name and log.
/// It starts in a fraction of a process's CPU time.
/// </summary>
internal sealed class ServiceHost : RunningService
{
    private readonly WebApplication _app;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly CancellationTokenSource _atOnce = new();
    private Uri? _url;
    private Task _running = Task.CompletedTask;

    private ServiceHost(WebApplication app)
    {
        _app = app;
        _lifetime = app.Lifetime;
        var format = app.Services.GetServices<ConsoleFormatter>().First(f => f.Name == ConsoleFormatterNames.Simple);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(new LogLines(format, Take));
    }

    public override Uri Url => _url!;

    public IServiceProvider Services => _app.Services;

    public override bool HasExited => _running.IsCompleted;

    /// <param name="service">The program's name.</param>
    /// <param name="environment">Its settings, named as environment variables.</param>
    /// <param name="url">The address to listen on.</param>
    /// <param name="clock">Its clock, or null for the machine's.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="InvalidOperationException">The service does not start; contains its log.</exception>
    public static async Task<ServiceHost> StartAsync(
        string service,
        IReadOnlyDictionary<string, string> environment,
        string url,
        TimeProvider? clock,
        CancellationToken cancellationToken
    )
    {
        // The heap is the test's.
        var settings = new Dictionary<string, string?>
        {
            ["Heap:CompactStreams"] = "0",
            ["Heap:CompactMegabytes"] = "0",
        };
        foreach (var (variable, value) in environment)
            settings[Key(variable)] = value;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        Task<ServiceHost> starting;
        // The service's background work must not see the test's context.
        using (ExecutionContext.SuppressFlow())
            starting = Task.Run(
                () => RunAsync(service, Arguments(service, settings, url), Replace, limit.Token),
                CancellationToken.None
            );

        return await starting;

        void Replace(IServiceCollection services)
        {
            services.SetConstants(settings);
            if (clock is not null)
                services.AddSingleton(clock);
        }
    }

    /// <summary>Starts a service that must refuse to start, and returns why it does.</summary>
    public static async Task<string> RefusalAsync(string service, IReadOnlyDictionary<string, string> environment)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await using var started = await StartAsync(
                service,
                environment,
                "http://127.0.0.1:0",
                clock: null,
                TestContext.Current.CancellationToken
            );
        });
        Assert.DoesNotContain("Now listening", failure.Message, StringComparison.Ordinal);

        return failure.Message;
    }

    public override Task StopAsync(CancellationToken cancellationToken)
    {
        _lifetime.StopApplication();
        return _running.WaitAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        // As at a kill, neither streams nor runs are drained.
        await _atOnce.CancelAsync();
        _lifetime.StopApplication();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task<ServiceHost> RunAsync(
        string service,
        string[] arguments,
        Action<IServiceCollection> replace,
        CancellationToken limit
    )
    {
        ServiceHost? host = null;
        try
        {
            host = new ServiceHost(
                service switch
                {
                    "StreamApi" => StreamApiApplication.Build(arguments, replace),
                    "Broadcaster" => BroadcasterApplication.Build(arguments, replace),
                    _ => WebFrontendApplication.Build(arguments, replace),
                }
            );
            await host._app.StartAsync(limit);
        }
        catch (Exception e)
        {
            if (host is not null)
                await host._app.DisposeAsync();
            throw new InvalidOperationException($"{service} did not start: {e.Message}\n{host?.Output}", e);
        }

        host._url = Reachable(host._app.Urls.First());
        host._running = host.RunUntilStoppedAsync();
        return host;
    }

    private async Task RunUntilStoppedAsync()
    {
        await Task.Delay(Timeout.Infinite, _lifetime.ApplicationStopping)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // As Run does in the program.
        await using (_app)
            await _app.StopAsync(_atOnce.Token);
    }

    private static string[] Arguments(string service, Dictionary<string, string?> settings, string url)
    {
        // artifacts/bin/Integration/debug/ -> artifacts/bin/<service>/debug/, for its appsettings.json
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var folder = Path.Combine(here.Parent!.Parent!.FullName, service, here.Name);
        return
        [
            $"--urls={url}",
            $"--applicationName={service}",
            $"--contentRoot={folder}",
            "--hostBuilder:reloadConfigOnChange=false",
            "--Logging:Console:LogLevel:Default=None",
            "--Logging:Console:FormatterOptions:ColorBehavior=Disabled",
            // The name of a replica has the process id unless these give another.
            $"--OTEL_SERVICE_NAME={service.ToLowerInvariant()}",
            $"--OTEL_RESOURCE_ATTRIBUTES=service.instance.id={Guid.NewGuid():N}",
            .. settings.Where(s => !Constants.Has(s.Key)).Select(s => $"--{s.Key}={s.Value}"),
        ];
    }

    private static string Key(string variable) =>
        variable.StartsWith("DOTNET_", StringComparison.Ordinal)
            ? throw new ArgumentException($"{variable} is for a process: start the service in one.", nameof(variable))
            : (
                variable.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
                    ? variable["ASPNETCORE_".Length..]
                    : variable
            ).Replace("__", ":", StringComparison.Ordinal);
}
