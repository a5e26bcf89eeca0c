using System.Diagnostics.CodeAnalysis;
using System.Threading.RateLimiting;

namespace StreamApi.Security.Limits;

/// <summary>One client's limit over all replicas: the replica checks its own count first, then takes permits from Redis
/// in blocks. While Redis is unavailable, only its own count applies.</summary>
internal sealed class SharedLimiter(
    ReplenishingRateLimiter local,
    RedisRate limit,
    SharedCounts counts,
    string key,
    TimeProvider clock
) : ReplenishingRateLimiter
{
    private readonly SemaphoreSlim _asking = new(1);
    private readonly Lock _lock = new();
    private int _held;
    private int _refusals;
    private long _takenAt;
    private long _refusedAt;
    private long _refusalsAt;
    private TimeSpan _refusedFor;

    /// <summary>Refusals per second that are sent without delay.</summary>
    private const int PromptRefusals = 20;

    /// <summary>True for the other refusals.</summary>
    public static readonly MetadataName<bool> IsLate = new("LATE");

    public override TimeSpan? IdleDuration => local.IdleDuration;
    public override bool IsAutoReplenishing => local.IsAutoReplenishing;
    public override TimeSpan ReplenishmentPeriod => local.ReplenishmentPeriod;

    public override bool TryReplenish() => local.TryReplenish();

    public override RateLimiterStatistics? GetStatistics() => local.GetStatistics();

    /// <summary>Not supported: Redis may have to be asked.</summary>
    protected override RateLimitLease AttemptAcquireCore(int permitCount) =>
        throw new NotSupportedException("Use AcquireAsync.");

    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(
        int permitCount,
        CancellationToken cancellationToken
    )
    {
        // Redis is asked once per wait, however fast the client repeats the request.
        if (RefusedFor() is { } wait)
            return Refused(wait);

        var lease = local.AttemptAcquire(permitCount);
        if (!lease.IsAcquired)
            return Refused(
                lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1)
            );
        if (TryTakeHeld())
            return lease;

        await _asking.WaitAsync(cancellationToken);

        try
        {
            if (TryTakeHeld())
                return lease;
            if (RefusedFor() is { } waiting)
                return Refused(waiting);
            if (await counts.TakeAsync(limit, key) is not { } permits)
                return lease;

            lock (_lock)
                if (permits.Given > 0)
                {
                    _held = permits.Given - 1;
                    _takenAt = clock.GetTimestamp();
                }
                else
                {
                    _refusedFor = permits.Wait;
                    _refusedAt = clock.GetTimestamp();
                }

            return permits.Given > 0 ? lease : Refused(permits.Wait);
        }
        finally
        {
            _asking.Release();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            local.Dispose();
            _asking.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool TryTakeHeld()
    {
        lock (_lock)
        {
            if (_held == 0 || clock.GetElapsedTime(_takenAt) > limit.Lifetime)
                return false;
            _held--;
            return true;
        }
    }

    private TimeSpan? RefusedFor()
    {
        lock (_lock)
            return _refusedFor - clock.GetElapsedTime(_refusedAt) is var left && left > TimeSpan.Zero ? left : null;
    }

    private Refusal Refused(TimeSpan wait)
    {
        lock (_lock)
        {
            if (clock.GetElapsedTime(_refusalsAt) > TimeSpan.FromSeconds(1))
            {
                _refusals = 0;
                _refusalsAt = clock.GetTimestamp();
            }
            return new Refusal(wait, ++_refusals > PromptRefusals);
        }
    }

    private sealed class Refusal(TimeSpan wait, bool isLate) : RateLimitLease
    {
        public override bool IsAcquired => false;
        public override IEnumerable<string> MetadataNames => [MetadataName.RetryAfter.Name, IsLate.Name];

        public override bool TryGetMetadata(string metadataName, [NotNullWhen(true)] out object? metadata) =>
            (
                metadata =
                    metadataName == MetadataName.RetryAfter.Name ? wait
                    : metadataName == IsLate.Name ? isLate
                    : null
            )
                is not null;
    }
}
