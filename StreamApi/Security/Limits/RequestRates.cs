using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Counts the requests of one client over all replicas, by the numbers of <see cref="LimitOptions"/>. Plain requests
/// count per replica, and without Redis all of them do.
/// </summary>
internal sealed class RequestRates : IDisposable
{
    private static readonly RateLimitPartition<string> Unlimited = RateLimitPartition.GetNoLimiter("");

    private readonly PartitionedRateLimiter<HttpContext> _limiter;
    private readonly LimitOptions _limits;
    private readonly SharedCounts _counts;
    private readonly TimeProvider _clock;

    public RequestRates(IOptions<LimitOptions> limits, SharedCounts counts, TimeProvider clock)
    {
        _limits = limits.Value;
        _counts = counts;
        _clock = clock;
        _limiter = PartitionedRateLimiter.Create<HttpContext, string>(PartitionOf);
    }

    /// <summary>Counts a request.</summary>
    /// <returns>A lease that is not acquired if the request is beyond its client's rate.</returns>
    public ValueTask<RateLimitLease> AcquireAsync(HttpContext context) =>
        _limiter.AcquireAsync(context, permitCount: 1, context.RequestAborted);

    /// <summary>The kind that the endpoint declares, or null for a plain request, or an unknown path.</summary>
    public static RequestKind? KindOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequestKind>();

    public void Dispose() => _limiter.Dispose();

    /// <summary>Chooses by the kind that the endpoint declares, so that nothing here lists the features.</summary>
    private RateLimitPartition<string> PartitionOf(HttpContext context) =>
        KindOf(context) switch
        {
            null => Plain(context, _limits.RequestsPerSecond!.Value),
            _ when context.IsResume() => Window(context, "resumes", _limits.ResumesPerMinute!.Value),
            { MaxPerMinute: { } most } own => Window(context, own.Name, most),
            var kind when kind == RequestKind.Stream => Window(context, kind.Name, _limits.NewStreamsPerMinute!.Value),
            var publish => Bucket(context, publish.Name, _limits.PublishesPerSecond!.Value),
        };

    private RateLimitPartition<string> Window(HttpContext context, string name, int perMinute) =>
        Shared(
            context,
            name,
            perMinute,
            static limit => new SlidingWindowRateLimiter(
                new SlidingWindowRateLimiterOptions
                {
                    PermitLimit = limit,
                    Window = TimeSpan.FromMinutes(1),
                    SegmentsPerWindow = RedisRate.Segments,
                    AutoReplenishment = false,
                }
            ),
            static limit => RedisRate.Window(limit, TimeSpan.FromMinutes(1))
        );

    private RateLimitPartition<string> Bucket(HttpContext context, string name, int perSecond) =>
        Shared(
            context,
            name,
            perSecond,
            static limit => new TokenBucketRateLimiter(BucketOf(limit)),
            static limit => RedisRate.Bucket(limit, 2 * limit)
        );

    /// <summary>Each replica counts for itself, so that plain reads do not wait for Redis.</summary>
    private static RateLimitPartition<string> Plain(HttpContext context, int perSecond) =>
        perSecond >= LimitOptions.Unlimited
            ? Unlimited
            : RateLimitPartition.GetTokenBucketLimiter(
                "plain:" + Caller.KeyOf(context).Person,
                _ => BucketOf(perSecond)
            );

    private static TokenBucketRateLimiterOptions BucketOf(int perSecond) =>
        new()
        {
            TokensPerPeriod = perSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            TokenLimit = 2 * perSecond,
            AutoReplenishment = false, // by the limiter of all clients, ten times per second
        };

    /// <summary>Creates a limiter for each client; idle ones are removed.</summary>
    private RateLimitPartition<string> Shared(
        HttpContext context,
        string name,
        int limit,
        Func<int, ReplenishingRateLimiter> local,
        Func<int, RedisRate> shared
    ) =>
        limit >= LimitOptions.Unlimited
            ? Unlimited
            : Shared($"{name}:{Caller.KeyOf(context).Person}", limit, local, shared);

    private RateLimitPartition<string> Shared(
        string client,
        int limit,
        Func<int, ReplenishingRateLimiter> local,
        Func<int, RedisRate> shared
    ) =>
        RateLimitPartition.Get<string>(
            client,
            key => new SharedLimiter(local(limit), shared(limit), _counts, key, _clock)
        );
}
