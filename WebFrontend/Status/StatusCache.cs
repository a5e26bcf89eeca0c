namespace WebFrontend.Status;

/// <summary>One question a second however many watch, and the Broadcasters put together from the answers of some seconds.</summary>
internal sealed class StatusCache(IServiceScopeFactory scopes, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(900), Forgotten = TimeSpan.FromSeconds(12);

    private readonly SemaphoreSlim _asking = new(1);
    private readonly Dictionary<string, (BroadcasterStatus Status, DateTimeOffset At)> _broadcasters = new(StringComparer.Ordinal);
    private (StatusReport Report, DateTimeOffset At)? _last;

    public async Task<StatusReport> GetAsync(CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken);
        try
        {
            if (_last is { } last && clock.GetUtcNow() - last.At < Fresh) return last.Report;
            // Not the caller's token: others wait for the same answer.
            var report = await AskAsync(CancellationToken.None);
            _last = (report, clock.GetUtcNow());
            return report;
        }
        finally { _asking.Release(); }
    }

    public void Dispose() => _asking.Dispose();

    private async Task<StatusReport> AskAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var system = scope.ServiceProvider.GetRequiredService<SystemStatus>();
        var (replicas, one, other) = (system.ReplicasAsync(cancellationToken), system.BroadcasterAsync(cancellationToken), system.BroadcasterAsync(cancellationToken));
        var now = clock.GetUtcNow();
        foreach (var answer in await Task.WhenAll(one, other))
            if (answer is not null) _broadcasters[answer.Name] = (answer, now);
        // Two lead for as long as the old one has not been asked again: the higher fence is the one that holds.
        var leading = _broadcasters.Values.Where(b => b.Status.Leader).OrderByDescending(b => b.Status.Fence).FirstOrDefault().Status;
        foreach (var (name, (status, at)) in _broadcasters.ToArray())
            if (now - at > Forgotten) _broadcasters.Remove(name);
            else if (status.Leader && status.Fence < leading?.Fence) _broadcasters[name] = (status with { Leader = false }, at);
        return new StatusReport(await replicas is not null, await replicas ?? [], [.. _broadcasters.Values.Select(b => b.Status).OrderBy(b => b.Name, StringComparer.Ordinal)]);
    }
}
