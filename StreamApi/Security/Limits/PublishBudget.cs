using System.Threading.RateLimiting;
using EventStore;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// How much one client may publish a second, by size, on this replica. What goes beyond waits its turn, for some
/// seconds' worth: a list of thousands of
/// events, or an event of a megabyte, is one request, and would have the store to itself.
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

    /// <summary>Waits until the client may publish these; false where too much waits already.</summary>
    public async ValueTask<bool> SpendAsync(
        string client,
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    )
    {
        if (_perSecond >= LimitOptions.Unlimited)
            return true;
        long kilobytes = 0;
        // An event costs the store more than its data.
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
