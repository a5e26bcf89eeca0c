using System.Threading.RateLimiting;
using EventStore;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Limits the kilobytes that one client publishes per second on this replica; some seconds' worth waits. The request
/// rate alone does not: one request may carry thousands of events.
/// </summary>
internal sealed class PublishBudget(IOptions<LimitOptions> limits) : IDisposable
{
    private const int QueueSeconds = 10;
    private readonly int _perSecond = limits.Value.PublishKilobytesPerSecond!.Value;
    private readonly PartitionedRateLimiter<string> _kilobytes = PartitionedRateLimiter.Create<string, string>(client =>
        RateLimitPartition.GetTokenBucketLimiter(
            client,
            _ =>
            {
                var perSecond = limits.Value.PublishKilobytesPerSecond!.Value;
                return new TokenBucketRateLimiterOptions
                {
                    TokenLimit = perSecond,
                    TokensPerPeriod = Math.Max(1, perSecond / 10),
                    ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                    QueueLimit = QueueSeconds * perSecond,
                    QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                };
            }
        )
    );

    /// <summary>Waits until the client may publish these events; false if too much already waits.</summary>
    public async ValueTask<bool> SpendAsync(
        string client,
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    )
    {
        if (_perSecond >= LimitOptions.Unlimited)
            return true;
        long kilobytes = 0;
        // Each event has overhead beside its data.
        foreach (var e in events)
            kilobytes += 1 + e.Data.Length / 1_024;
        for (; kilobytes > 0; kilobytes -= _perSecond)
        {
            using var lease = await _kilobytes.AcquireAsync(
                client,
                (int)Math.Min(kilobytes, _perSecond),
                cancellationToken
            );
            if (!lease.IsAcquired)
                return false;
        }
        return true;
    }

    public void Dispose() => _kilobytes.Dispose();
}
