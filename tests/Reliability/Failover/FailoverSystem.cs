using System.Net.Http.Json;
using System.Text.Json;
using LoadTests;
using LocalServices;
using LocalServices.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Reliability.Failover;

/// <summary>A Patroni cluster, Redis, two replicas of StreamApi and two Broadcasters.</summary>
internal sealed class FailoverSystem : IAsyncDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(90);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(3) };
    private readonly LocalFolder _folder;
    private readonly SystemProcess _redis;

    private FailoverSystem(LocalFolder folder, PatroniCluster cluster)
    {
        (_folder, Cluster) = (folder, cluster);
        var redis = LocalRedis.Prepare(folder, wantedPort: 0);
        _redis = new SystemProcess(
            "Redis",
            [redis.Program, redis.Configuration],
            redis.Libraries is null ? [] : new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = redis.Libraries },
            "TERM",
            folder.Data,
            async token =>
                (
                    await new RedisHealthCheck(redis.Port, redis.Password).CheckHealthAsync(
                        new HealthCheckContext(),
                        token
                    )
                ).Status == HealthStatus.Healthy
        );
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = cluster.ConnectionString,
            ["ConnectionStrings__redis"] = $"127.0.0.1:{redis.Port},password={redis.Password}",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["Traffic__Enabled"] = "false",
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
        };
        Services =
        [
            new("StreamApi", 1, settings),
            new("StreamApi", 2, settings),
            new("Broadcaster", 1, settings),
            new("Broadcaster", 2, settings),
        ];
    }

    public PatroniCluster Cluster { get; }
    public IReadOnlyList<ServiceReplica> Services { get; }
    public Uri Url => Services[0].Url;

    public static async Task<FailoverSystem> StartAsync(bool synchronous, CancellationToken cancellationToken)
    {
        var folder = LocalFolder.For(
            Path.Combine(Repository.Root, "AppHost"),
            new LocalServicesOptions(LocalServicesMode.Native, Ephemeral: true, 0, 0),
            new ServiceCollection()
        );
        var system = new FailoverSystem(
            folder,
            await PatroniCluster.StartAsync(folder, synchronous, cancellationToken)
        );
        try
        {
            await system._redis.StartAsync(cancellationToken);
            await system.Services[0].MigrateAsync(cancellationToken);
            foreach (var service in system.Services)
                await service.Process.StartAsync(cancellationToken);
            await system.WaitUntilReadyAsync(cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until the cluster is complete and Redis feeds both replicas.</summary>
    public async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        await Cluster.WaitUntilCompleteAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadyLimit);
        try
        {
            while (!await IsLiveAsync(limit.Token))
                await Task.Delay(100, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LoadTestException(
                $"The services are not complete after {ReadyLimit.TotalSeconds} s: "
                    + string.Join("\n", Services.Select(s => $"{s.Name}:\n{s.Process.Output}")),
                e
            );
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Services)
            await service.Process.DisposeAsync();
        await _redis.DisposeAsync();
        await Cluster.DisposeAsync();
        Directory.Delete(_folder.Data, recursive: true);
    }

    private async Task<bool> IsLiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var rows = await Http.GetFromJsonAsync<JsonElement>(new Uri(Url, "/v1/replicas"), cancellationToken);
            return rows.GetArrayLength() == 2
                && rows.EnumerateArray().All(r => r.GetProperty("mode").GetString() == "live");
        }
        catch (Exception e)
            when (e is HttpRequestException or JsonException
                || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            return false;
        }
    }
}
