using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Streaming.Access;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Counts the sources that clients start by resumes. Resumes are frequent after a loss of a replica, but then their
/// sources run; a client that makes up sessions and last ids would start hundreds, which all write to the log.
/// </summary>
internal sealed class SourceStarts(IOptions<ResilientOptions> options, IStreamAccess access) : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    // Half of them at once: all of many clients in the same second are felt by everybody.
    private readonly PartitionedRateLimiter<string> _starts = PartitionedRateLimiter.Create<string, string>(client =>
        RateLimitPartition.GetTokenBucketLimiter(
            client,
            _ => new TokenBucketRateLimiterOptions
            {
                TokensPerPeriod = options.Value.StartsPerMinute!.Value,
                ReplenishmentPeriod = Minute,
                TokenLimit = (options.Value.StartsPerMinute.Value + 1) / 2,
            }
        )
    );

    /// <summary>Counts a start. Returns false if the client has started too many.</summary>
    public bool TryCount(HttpContext context)
    {
        using var lease = _starts.AttemptAcquire(access.ClientOf(context).Person);
        return lease.IsAcquired;
    }

    public void Dispose() => _starts.Dispose();
}
