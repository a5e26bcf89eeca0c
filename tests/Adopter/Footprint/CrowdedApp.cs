using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Adopter.Footprint;

/// <summary>An application that had settings, health checks and limits of its own, by the names that anybody would
/// choose, before it got streams.</summary>
internal static class CrowdedApp
{
    public static readonly TimeSpan Shutdown = TimeSpan.FromSeconds(3);

    public static readonly string[] OwnChecks =
    [
        "events",
        "eventstore",
        "feed",
        "llm",
        "npgsql",
        "postgres",
        "redis",
        "relay",
        "runs",
        "StackExchange.Redis",
        "store",
        "streaming",
        "streams",
    ];

    /// <summary>Values that none of our options could have.</summary>
    public static readonly Dictionary<string, string?> OwnSettings = new()
    {
        ["EventStore:Channel"] = "", // ours needs one
        ["EventStore:MaxAge"] = "as long as the auditor says",
        ["EventStore:CommandTimeoutSeconds"] = "soon",
        ["Limits:GenerationsPerMinute"] = "0",
        ["Limits:HeldMegabytes"] = "few",
        ["Llm:DefaultProvider"] = "azure",
        ["Llm:Providers:OpenAi:MaxConcurrent"] = "none",
        ["Llm:Providers:OpenAi:Models"] = "one",
        ["Pools:Sse"] = "blue",
        ["Pools:Tasks:Workers"] = "many",
        ["Relay:LeaseMilliseconds"] = "1",
        ["Replicas:0"] = "eu-west",
        ["Runs:DrainSeconds"] = "-1",
        ["Security:ApiKeys"] = "in the vault",
        ["Streaming:DeadSeconds"] = "1",
        ["Streaming:HeartbeatSeconds"] = "9999",
        ["Streaming:MaxConnections"] = "unlimited",
    };

    /// <param name="connectionString">Of its Postgres.</param>
    /// <param name="hasStreams">False: as it was before.</param>
    public static WebApplication Build(string connectionString, bool hasStreams = true)
    {
        var builder = WebApplication.CreateBuilder([
            "--urls=http://127.0.0.1:0",
            "--environment=Production",
            "--Logging:LogLevel:Default=Warning",
            $"--ConnectionStrings:orders={connectionString}",
            $"--ConnectionStrings:redis={Stores.Shared.Redis}",
        ]);
        builder.Configuration.AddInMemoryCollection(OwnSettings);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Shutdown);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 12_345;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(77);
            kestrel.Limits.MinResponseDataRate = new MinDataRate(300, TimeSpan.FromSeconds(7));
        });
        builder.Services.AddAuthorization();
        var checks = builder.Services.AddHealthChecks();
        foreach (var name in OwnChecks)
            checks.AddCheck(name, () => HealthCheckResult.Healthy("its own"));

        if (!hasStreams)
            return builder.Build();

        builder.AddEventStore("orders").AddSse(redis: "redis").AddSseBroadcaster();
        builder.AddSseRuns();
        builder.AddLlmGateway();

        var app = builder.Build();
        app.MapLlmGateway().AllowAnonymous();
        app.MapGet("/orders/{id}/events", (string id) => TypedResults.EventStream($"orders.{id}.>")).AllowAnonymous();
        return app;
    }
}
