using System.Net.Http.Json;
using System.Text.Json;
using LoadTests;

namespace Reliability;

/// <summary>Two replicas of StreamApi and two Broadcasters, each a process on a port of its own.</summary>
/// <param name="create">Creates a service from its program's name and its number.</param>
internal sealed class ServiceGroup(Func<string, int, ServiceReplica> create) : IAsyncDisposable
{
    private static readonly HttpClient Http = new()
    {
        Timeout = TimeSpan.FromSeconds(3),
        DefaultRequestHeaders = { Authorization = new("Bearer", SystemSettings.Operator) },
    };

    public IReadOnlyList<ServiceReplica> Replicas { get; } = [create("StreamApi", 1), create("StreamApi", 2)];
    public IReadOnlyList<ServiceReplica> Broadcasters { get; } = [create("Broadcaster", 1), create("Broadcaster", 2)];
    public IEnumerable<ServiceReplica> All => [.. Replicas, .. Broadcasters];

    /// <summary>The logs of all, to find the cause of a failure.</summary>
    public IEnumerable<string> Logs => All.Select(s => $"{s.Name}:\n{s.Process.Output}\n");

    /// <summary>Migrates the store and starts all services.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await Replicas[0].MigrateAsync(cancellationToken);
        foreach (var service in All)
            await service.Process.StartAsync(cancellationToken);
    }

    /// <summary>Waits until Redis feeds both replicas.</summary>
    public async Task WaitUntilLiveAsync(CancellationToken cancellationToken)
    {
        while (!await AreLiveAsync(cancellationToken))
            await Task.Delay(100, cancellationToken);
    }

    /// <summary>Waits for something that the services need; throws with their logs if it takes too long.</summary>
    /// <exception cref="LoadTestException">It took longer than the limit.</exception>
    public async Task WithinAsync(
        TimeSpan limit,
        Func<CancellationToken, Task> wait,
        CancellationToken cancellationToken
    )
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(limit);
        try
        {
            await wait(over.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LoadTestException(
                $"The system is not complete after {limit.TotalSeconds} s: {string.Join('\n', Logs)}",
                e
            );
        }
    }

    /// <summary>Returns the Broadcaster that leads, as soon as there is one.</summary>
    public async Task<ServiceReplica> LeaderAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var broadcaster in Broadcasters)
                if (
                    await AskAsync(broadcaster, "/status", s => s.GetProperty("leader").GetBoolean(), cancellationToken)
                )
                    return broadcaster;
            await Task.Delay(100, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in All)
            await service.DisposeAsync();
    }

    private async Task<bool> AreLiveAsync(CancellationToken cancellationToken)
    {
        foreach (var replica in Replicas)
            if (!await AskAsync(replica, "/v1/replicas", HasLive, cancellationToken))
                return false;
        return true;

        bool HasLive(JsonElement rows) =>
            rows.GetArrayLength() == Replicas.Count
            && rows.EnumerateArray().All(r => r.GetProperty("mode").GetString() == "live");
    }

    /// <summary>Returns false for a service that does not answer.</summary>
    private static async Task<bool> AskAsync(
        ServiceReplica service,
        string path,
        Predicate<JsonElement> holds,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return holds(await Http.GetFromJsonAsync<JsonElement>(new Uri(service.Url, path), cancellationToken));
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
