// Stands in for Aspire.Hosting's resource service, which the dashboard
// reads. Not affiliated with Microsoft or the .NET Foundation.
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.Dashboard.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Aspire.Hosting.Dashboard;

internal sealed class ResourceServiceHost(
    IServiceProvider services,
    IConfiguration configuration,
    AppHostInfo appHost,
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    ResourceCommandService commands
)
{
    private const string Service = "/aspire.v1.DashboardService/";
    private WebApplication? _app;

    public int? FixedPort =>
        DashboardResource.ConfiguredUrl(configuration, "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL")?.Port;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore().AddSingleton(services.GetRequiredService<ILoggerFactory>());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(k =>
                k.ListenLocalhost(
                    FixedPort ?? Orchestration.EndpointAllocator.FreePort(),
                    l => l.Protocols = HttpProtocols.Http2
                )
            );
        _app = builder.Build();
        _app.Use(RequireKeyAsync);
        _app.MapGrpc(
            Service + "GetApplicationInformation",
            ApplicationInformationRequest.Parser,
            (_, write, _) =>
                write(
                    new ApplicationInformationResponse
                    {
                        ApplicationName = appHost.Assembly?.GetName().Name ?? "AppHost",
                    }
                )
        );
        _app.MapGrpc(
            Service + "WatchResources",
            WatchResourcesRequest.Parser,
            (_, write, ct) => WatchResourcesAsync(write, ct)
        );
        _app.MapGrpc(Service + "WatchResourceConsoleLogs", WatchResourceConsoleLogsRequest.Parser, WatchLogsAsync);
        _app.MapGrpc(Service + "ExecuteResourceCommand", ResourceCommandRequest.Parser, ExecuteAsync);
        // The dashboard asks for prompts and there are none. The call is
        // held open, since UNIMPLEMENTED would fill the dashboard's log.
        _app.MapPost(Service + "WatchInteractions", HoldOpenAsync);
        _app.MapFallback(http => TrailersOnly(http, GrpcFraming.Unimplemented));
        await _app.StartAsync(cancellationToken);
        model
            .Resources.First(r => r.Name == DashboardResource.Name)
            .Annotations.Add(new ResourceServiceAddress(_app.Urls.First()));
    }

    public async Task StopAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    private Task RequireKeyAsync(HttpContext http, RequestDelegate next)
    {
        var given = Encoding.UTF8.GetBytes(http.Request.Headers["x-resource-service-api-key"].ToString());
        var wanted = Encoding.UTF8.GetBytes(configuration["AppHost:ResourceService:ApiKey"]!);
        return CryptographicOperations.FixedTimeEquals(given, wanted)
            ? next(http)
            : TrailersOnly(http, GrpcFraming.Unauthenticated);
    }

    private async Task WatchResourcesAsync(GrpcFraming.Writer write, CancellationToken cancellationToken)
    {
        var (current, changes) = notifications.Subscribe();
        try
        {
            var initial = new InitialResourceData();
            initial.Resources.AddRange(current.Select(e => WireMapper.ToWire(e, services)));
            await write(new WatchResourcesUpdate { InitialData = initial });
            while (await changes.Reader.WaitToReadAsync(cancellationToken))
            {
                var update = new WatchResourcesChanges();
                while (changes.Reader.TryRead(out var e))
                    update.Value.Add(new WatchResourcesChange { Upsert = WireMapper.ToWire(e, services) });
                await write(new WatchResourcesUpdate { Changes = update });
            }
        }
        finally
        {
            notifications.Unsubscribe(changes);
        }
    }

    private async Task WatchLogsAsync(
        WatchResourceConsoleLogsRequest request,
        GrpcFraming.Writer write,
        CancellationToken cancellationToken
    )
    {
        var log = loggers.LogOf(request.ResourceName);
        var (backlog, changes) = log.Follow();
        try
        {
            await WriteAsync(backlog);
            while (!request.SuppressFollow && await changes.Reader.WaitToReadAsync(cancellationToken))
            {
                var lines = new List<LogLine>();
                while (changes.Reader.TryRead(out var line))
                    lines.Add(line);
                await WriteAsync(lines);
            }
        }
        finally
        {
            log.Unfollow(changes);
        }

        Task WriteAsync(IReadOnlyList<LogLine> lines)
        {
            if (lines.Count == 0)
                return Task.CompletedTask;
            var update = new WatchResourceConsoleLogsUpdate();
            update.LogLines.AddRange(
                lines.Select(l => new ConsoleLogLine
                {
                    Text = l.Content,
                    IsStdErr = l.IsErrorMessage,
                    LineNumber = l.LineNumber,
                })
            );
            return write(update);
        }
    }

    private async Task ExecuteAsync(
        ResourceCommandRequest request,
        GrpcFraming.Writer write,
        CancellationToken cancellationToken
    )
    {
        var result = await commands.ExecuteCommandAsync(request.ResourceName, request.CommandName, cancellationToken);
        var response = new ResourceCommandResponse
        {
            Kind =
                result.Success ? CommandOutcome.OutcomeSucceeded
                : result.Canceled ? CommandOutcome.OutcomeCancelled
                : CommandOutcome.OutcomeFailed,
        };
        if (result.Message is { } message)
        {
            response.Message = message;
            if (!result.Success)
                response.ErrorMessage = message;
        }
        await write(response);
    }

    private async Task HoldOpenAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        await http.Response.StartAsync();
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestAborted,
            _app!.Lifetime.ApplicationStopping
        );
        await Task.Delay(Timeout.Infinite, ends.Token).ContinueWith(_ => { }, TaskScheduler.Default);
        http.Response.AppendTrailer("grpc-status", GrpcFraming.Unavailable);
    }

    private static Task TrailersOnly(HttpContext http, string status)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.Headers["grpc-status"] = status;
        return Task.CompletedTask;
    }
}
