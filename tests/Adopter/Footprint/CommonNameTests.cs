using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Console;

namespace Adopter.Footprint;

/// <summary>Services and settings of an application under a common name are its own.</summary>
public sealed class CommonNameTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _log = new();
    private WebApplication _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Uri Server =>
        new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public async ValueTask InitializeAsync()
    {
        _app = CrowdedApp.Build((await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString);
        _app.Services.GetRequiredService<ILoggerFactory>()
            .AddProvider(new LogLines(_app.Services.GetServices<ConsoleFormatter>().First(), _log.Enqueue));
        await _app.EnsureSchemaAsync(Stop);
        await _app.StartAsync(Stop);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task An_application_with_sections_of_its_own_starts_and_streams_and_our_settings_are_the_defaults()
    {
        await using var stream = await SseReader.OpenAsync(Server, "/orders/7/events");
        await _app
            .Services.GetRequiredService<IEventLog>()
            .AppendAsync("orders.7.paid", "paid", 1, cancellationToken: Stop);
        await stream.WaitForEventsAsync(1);
        Assert.Equal("paid", Assert.Single(stream.Events).Event);

        // The default provider is ours, not the application's azure.
        using var client = new HttpClient { BaseAddress = Server };
        using var models = await client.GetAsync("/v1/models", Stop);
        models.EnsureSuccessStatusCode();
        Assert.Contains("demo", await models.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_checks_of_its_own_have_any_name_and_all_of_ours_begin_with_sse()
    {
        var report = await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Stop);
        var ours = report.Entries.Where(entry => entry.Value.Description != "its own").Select(entry => entry.Key);

        Assert.Equal(["sse-feed", "sse-redis", "sse-store"], ours.Order());
        Assert.Superset(CrowdedApp.OwnChecks.ToHashSet(), report.Entries.Keys.ToHashSet());
    }

    [Fact]
    public void No_setting_of_its_own_is_named_at_the_start() =>
        Assert.DoesNotContain(
            _log,
            line => line.Contains("is not read") || CrowdedApp.OwnSettings.Keys.Any(name => line.Contains(name))
        );
}
