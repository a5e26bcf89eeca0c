using System.Threading.RateLimiting;

namespace StreamApi.Security.Limits;

/// <summary>Token buckets of this replica, which admit the rate that they are given.</summary>
internal static class TokenBuckets
{
    /// <param name="perSecond">Tokens per second. Each replenishment adds the part for the time that has
    /// passed.</param>
    /// <param name="burst">Tokens of a full bucket.</param>
    /// <param name="maxWaiting">Maximum tokens that waiters want together.</param>
    public static TokenBucketRateLimiterOptions Of(int perSecond, int burst, int maxWaiting = 0) =>
        new()
        {
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            TokenLimit = burst,
            QueueLimit = maxWaiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            AutoReplenishment = false, // by the limiter of all clients, ten times per second
        };

    /// <summary>Creates a limiter with a bucket for each client; idle ones are removed.</summary>
    public static PartitionedRateLimiter<string> PerClient(int perSecond, int burst, int maxWaiting) =>
        PartitionedRateLimiter.Create<string, string>(client =>
            RateLimitPartition.GetTokenBucketLimiter(client, _ => Of(perSecond, burst, maxWaiting))
        );
}
