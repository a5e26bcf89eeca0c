namespace WebFrontend.Status;

/// <summary>One question a second however many watch; the Broadcasters put together from the answers of some seconds,
/// and the replicas kept for some minutes after their last.</summary>
internal sealed class StatusCache(IServiceScopeFactory scopes, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(900),
        Forgotten = TimeSpan.FromSeconds(12);

    private readonly SemaphoreSlim _asking = new(1);
    private readonly KnownReplicas _replicas = new();
    private readonly Dictionary<string, BroadcasterStatus> _broadcasters = new(StringComparer.Ordinal);
    private (StatusReport Report, DateTimeOffset At)? _last;
    private DateTimeOffset? _answeredAt;

    public async Task<StatusReport> GetAsync(CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (_last is { } last && clock.GetUtcNow() - last.At < Fresh)
                return last.Report;
            // Not the caller's token: others wait for the same answer.
            var report = await AskAsync(CancellationToken.None);
            _last = (report, clock.GetUtcNow());
            return report;
        }
        finally
        {
            _asking.Release();
        }
    }

    public void Dispose() => _asking.Dispose();

    private async Task<StatusReport> AskAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var system = scope.ServiceProvider.GetRequiredService<SystemStatus>();
        var (asked, one, other) = (
            system.ReplicasAsync(_replicas, cancellationToken),
            system.BroadcasterAsync(cancellationToken),
            system.BroadcasterAsync(cancellationToken)
        );
        var now = clock.GetUtcNow();
        foreach (var answer in await Task.WhenAll(one, other))
            if (answer is not null)
                _broadcasters[answer.Name] = answer with { SeenAt = now };
        // Two lead for as long as the old one has not been asked again: the higher fence is the one that holds.
        var fence = _broadcasters.Values.Where(b => b.Leader).Max(b => b.Fence);
        foreach (var (name, status) in _broadcasters.ToArray())
            if (now - status.SeenAt > Forgotten)
                _broadcasters.Remove(name);
            else if (status.Leader && status.Fence < fence)
                _broadcasters[name] = status with { Leader = false };
        if (await asked is { } replicas)
        {
            _answeredAt = clock.GetUtcNow();
            _replicas.Update(replicas, _answeredAt.Value);
        }
        else
            _replicas.Age(clock.GetUtcNow());
        return new StatusReport(
            await asked is not null,
            _answeredAt,
            _replicas.All,
            [.. _broadcasters.Values.OrderBy(b => b.Name, StringComparer.Ordinal)]
        );
    }
}
