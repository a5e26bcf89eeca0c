// Stands in for Aspire.Hosting's dashboard support: runs Aspire's own dashboard,
// from the npm bundle, as a hidden resource. Not affiliated with Microsoft.
using System.Security.Cryptography;

namespace Aspire.Hosting.Dashboard;

internal static class DashboardResource
{
    public const string Name = "aspire-dashboard";

    /// <summary>The path of the dashboard program after the orchestrator has restored the bundle.</summary>
    public static readonly string Program = Path.Combine(
        BuildMetadata.Own("AspireBundleFolder"),
        BuildMetadata.Own("AspireVersion"),
        "bundle",
        "managed",
        "aspire-managed"
    );

    public static void AddDashboard(this IDistributedApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        foreach (var key in (string[])["BrowserToken", "OtlpApiKey", "DashboardApiKey", "ResourceService:ApiKey"])
            configuration[$"AppHost:{key}"] ??= Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        if (configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"] is { Length: > 0 } token)
            configuration["AppHost:BrowserToken"] = token;

        builder.Services.AddSingleton<ResourceServiceHost>().AddHostedService<DashboardAnnouncement>();
        var frontend = ConfiguredUrl(configuration, "ASPNETCORE_URLS");
        var dashboard = builder
            .AddResource(new ExecutableResource(Name, Program, builder.AppHostDirectory))
            .WithEndpoint(port: frontend?.Port, scheme: frontend?.Scheme ?? "http", name: "http", isProxied: false)
            .WithEndpoint(
                port: ConfiguredUrl(configuration, "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL")?.Port,
                scheme: "http",
                name: "otlp-grpc",
                isProxied: false
            )
            .WithEndpoint(
                port: ConfiguredUrl(configuration, "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL")?.Port,
                scheme: "http",
                name: "otlp-http",
                isProxied: false
            )
            .WithHttpHealthCheck("/health")
            .WithArgs("dashboard")
            .WithHidden();
        dashboard.WithEnvironment(context =>
        {
            var variables = context.EnvironmentVariables;
            variables["ASPNETCORE_ENVIRONMENT"] = "Production";
            variables["ASPNETCORE_URLS"] = dashboard.GetEndpoint("http");
            variables["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = dashboard.GetEndpoint("otlp-grpc");
            variables["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = dashboard.GetEndpoint("otlp-http");
            variables["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
            variables["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = context
                .Resource.Annotations.OfType<ResourceServiceAddress>()
                .Single()
                .Url;
            Secure("RESOURCESERVICECLIENT", "APIKEY", "ResourceService:ApiKey");
            Secure("OTLP", "PRIMARYAPIKEY", "OtlpApiKey");
            Secure("API", "PRIMARYAPIKEY", "DashboardApiKey");
            variables["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken";
            variables["DASHBOARD__FRONTEND__BROWSERTOKEN"] = configuration["AppHost:BrowserToken"]!;
            variables["ASPIRE_DASHBOARD_API_ENABLED"] = "true";
            variables["DASHBOARD__MCP__DISABLED"] = "true";
            variables["ASPIRE_DASHBOARD_AI_DISABLED"] = "true";
            variables["DASHBOARD__DEBUGSESSION__TELEMETRYOPTOUT"] = "true";
            variables["ASPIRE_DASHBOARD_TELEMETRY_OPTOUT"] = "true";

            void Secure(string section, string name, string key)
            {
                variables[$"DASHBOARD__{section}__AUTHMODE"] = "ApiKey";
                variables[$"DASHBOARD__{section}__{name}"] = configuration[$"AppHost:{key}"]!;
            }
        });
    }

    /// <summary>Returns the launch profile's address, or null when the testing builder asks for free ports.</summary>
    public static Uri? ConfiguredUrl(IConfiguration configuration, string key) =>
        !configuration.GetValue<bool>("DcpPublisher:RandomizePorts")
        && configuration[key]?.Split(';')[0] is { Length: > 0 } url
            ? new Uri(url)
            : null;
}

internal sealed record ResourceServiceAddress(string Url) : IResourceAnnotation;

/// <summary>Prints the login address as soon as the dashboard answers.</summary>
internal sealed class DashboardAnnouncement(
    ResourceNotificationService notifications,
    DistributedApplicationModel model,
    IConfiguration configuration,
    ILogger<DistributedApplication> logger
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await notifications.WaitForResourceHealthyAsync(
                DashboardResource.Name,
                WaitBehavior.StopOnResourceUnavailable,
                stoppingToken
            );
            var url = new EndpointReference(
                (IResourceWithEndpoints)model.Resources.First(r => r.Name == DashboardResource.Name),
                "http"
            ).Url;
            logger.LogInformation("Now listening on: {Url}", url);
            logger.LogInformation(
                "Login to the dashboard at {Url}/login?t={Token}",
                url,
                configuration["AppHost:BrowserToken"]
            );
        }
        catch (DistributedApplicationException)
        {
            logger.LogError(
                "The dashboard ({Path}) did not start; the application runs without it. See the log above.",
                DashboardResource.Program
            );
        }
        catch (OperationCanceledException)
        {
            // Stopped before the dashboard was up.
        }
    }
}
