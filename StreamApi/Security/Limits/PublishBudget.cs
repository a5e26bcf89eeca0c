using System.Threading.RateLimiting;
using EventStore;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Limits the kilobytes that one client sends per second to publish or change something, on this replica; some seconds'
/// worth waits. The request rate alone does not: one request may carry thousands of events.
/// </summary>
internal sealed class PublishBudget : IDisposable
{
    private const int QueueSeconds = 10;
    private readonly int _perSecond;
    private readonly PartitionedRateLimiter<string> _kilobytes;

    public PublishBudget(IOptions<LimitOptions> limits)
    {
        _perSecond = limits.Value.PublishKilobytesPerSecond!.Value;
        _kilobytes = TokenBuckets.PerClient(_perSecond, burst: _perSecond, maxWaiting: QueueSeconds * _perSecond);
    }

    /// <summary>The kilobytes that events cost: at least one each, because an event has overhead beside its
    /// data.</summary>
    public static long CostOf(IReadOnlyList<NewEvent> events)
    {
        long kilobytes = 0;
        foreach (var e in events)
            kilobytes += 1 + e.Data.Length / 1_024;
        return kilobytes;
    }

    /// <summary>Waits until the client may send this much.</summary>
    /// <returns>The kilobytes that were refused, because too many of the client's already wait; 0: none.</returns>
    public async ValueTask<long> SpendAsync(string client, long kilobytes, CancellationToken cancellationToken)
    {
        if (_perSecond >= LimitOptions.Unlimited)
            return 0;
        for (; kilobytes > 0; kilobytes -= _perSecond)
        {
            using var lease = await _kilobytes.AcquireAsync(
                client,
                (int)Math.Min(kilobytes, _perSecond),
                cancellationToken
            );
            if (!lease.IsAcquired)
                return kilobytes;
        }
        return 0;
    }

    public void Dispose() => _kilobytes.Dispose();
}
