using System.Threading.RateLimiting;
using StreamApi.Security;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Counts the sources that clients start by resumes. Resumes are frequent after a loss of a replica, but then their
/// sources run; a client that makes up sessions and last ids would start hundreds, which all write to the log.
/// </summary>
internal sealed class SourceStarts(IHostEnvironment environment) : IDisposable
{
    /// <summary>Starts of one client per minute, on each replica.</summary>
    public const int PerMinute = 10;

    // Half of them at once: all of many clients in the same second are felt by everybody.
    private readonly PartitionedRateLimiter<string>? _starts = environment.IsDevelopment()
        ? null
        : PartitionedRateLimiter.Create<string, string>(client =>
            RateLimitPartition.GetTokenBucketLimiter(
                client,
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = PerMinute / 2,
                    TokensPerPeriod = 1,
                    ReplenishmentPeriod = TimeSpan.FromMinutes(1.0 / PerMinute),
                }
            )
        );

    /// <summary>Counts a start. Returns false if the client has started too many.</summary>
    public bool TryCount(HttpContext context)
    {
        using var lease = _starts?.AttemptAcquire(Caller.ClientOf(context));
        return lease?.IsAcquired != false;
    }

    public void Dispose() => _starts?.Dispose();
}
