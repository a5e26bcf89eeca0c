namespace WebFrontend.Status;

/// <summary>
/// Polls the system at most once a second for all readers. Collects the Broadcasters over several polls, because each
/// poll reaches only some of them.
/// </summary>
internal sealed class StatusCache(IServiceScopeFactory scopes, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan BroadcasterRetention = TimeSpan.FromSeconds(12);

    private readonly SemaphoreSlim _polling = new(1);
    private readonly KnownReplicas _replicas = new();
    private readonly Dictionary<string, BroadcasterStatus> _broadcasters = new(StringComparer.Ordinal);
    private (StatusReport Report, DateTimeOffset At)? _last;
    private DateTimeOffset? _answeredAt;

    public async Task<StatusReport> GetAsync(CancellationToken cancellationToken)
    {
        await _polling.WaitAsync(cancellationToken);
        try
        {
            if (_last is { } last && clock.GetUtcNow() - last.At < MaxAge)
                return last.Report;
            // Not the caller's token: other callers wait for the same report.
            var report = await PollAsync(CancellationToken.None);
            _last = (report, clock.GetUtcNow());
            return report;
        }
        finally
        {
            _polling.Release();
        }
    }

    public void Dispose() => _polling.Dispose();

    private async Task<StatusReport> PollAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var system = scope.ServiceProvider.GetRequiredService<SystemStatus>();
        var listing = system.ReplicasAsync(_replicas, cancellationToken);
        var broadcasters = Task.WhenAll(
            system.BroadcasterAsync(cancellationToken),
            system.BroadcasterAsync(cancellationToken)
        );
        var now = clock.GetUtcNow();

        foreach (var answer in await broadcasters)
            if (answer is not null)
                _broadcasters[answer.Name] = answer with { SeenAt = now };

        // After a takeover both claim to lead until the old one is polled again: the higher fence is valid.
        var fence = _broadcasters.Values.Where(b => b.Leader).Max(b => b.Fence);
        foreach (var (name, status) in _broadcasters.ToArray())
            if (now - status.SeenAt > BroadcasterRetention)
                _broadcasters.Remove(name);
            else if (status.Leader && status.Fence < fence)
                _broadcasters[name] = status with { Leader = false };

        if (await listing is { } replicas)
        {
            _answeredAt = clock.GetUtcNow();
            _replicas.Update(replicas, _answeredAt.Value);
        }
        else
            _replicas.Age(clock.GetUtcNow());

        return new StatusReport(
            await listing is not null,
            _answeredAt,
            _replicas.All,
            [.. _broadcasters.Values.OrderBy(b => b.Name, StringComparer.Ordinal)]
        );
    }
}
