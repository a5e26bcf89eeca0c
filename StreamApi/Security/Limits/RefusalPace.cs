using System.Threading.RateLimiting;

namespace StreamApi.Security.Limits;

/// <summary>
/// Spaces the late refusals of one client. On HTTP/2 and behind a proxy a refusal does not end the client's connection,
/// so that it repeats hundreds of requests as soon as they are refused.
/// </summary>
internal sealed class RefusalPace : IDisposable
{
    private const int PerSecond = 100,
        MaxWaiting = 10 * PerSecond;

    private readonly PartitionedRateLimiter<string> _pace = TokenBuckets.PerClient(PerSecond, PerSecond, MaxWaiting);

    /// <summary>Waits until the client's next refusal may be sent.</summary>
    /// <returns>False if too many of the client's refusals wait already, or the client has left.</returns>
    public async ValueTask<bool> NextAsync(string client, CancellationToken cancellationToken)
    {
        try
        {
            using var lease = await _pace.AcquireAsync(client, 1, cancellationToken);
            return lease.IsAcquired;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _pace.Dispose();
}
