using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Unit.ServiceDefaults;

/// <summary>A service with the service defaults, on its own port, with a client from its own factory.</summary>
internal sealed class Service(WebApplication app) : IAsyncDisposable
{
    public string Url => app.Urls.Single();

    public IServiceProvider Services => app.Services;

    /// <summary>A client as in the service: with discovery and resilience.</summary>
    public HttpClient Outgoing => app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

    /// <summary>A plain client, as outside the service.</summary>
    public HttpClient Outside { get; } = new();

    public static async Task<Service> StartAsync(
        Action<WebApplicationBuilder>? configure = null,
        Action<WebApplication>? map = null,
        params (string Key, string? Value)[] settings
    )
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, s.Value)));
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.AddServiceDefaults();
        configure?.Invoke(builder);

        var app = builder.Build();
        map?.Invoke(app);
        app.MapDefaultEndpoints();
        await app.StartAsync(TestContext.Current.CancellationToken);

        var service = new Service(app);
        service.Outside.BaseAddress = new Uri(service.Url);
        return service;
    }

    public async ValueTask DisposeAsync()
    {
        Outside.Dispose();
        await app.DisposeAsync();
    }
}
