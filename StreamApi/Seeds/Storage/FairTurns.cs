using System.Threading.RateLimiting;

namespace StreamApi.Seeds.Storage;

/// <summary>Turns at what each key stands for: a few at once, and before them few of each client, so that a client with
/// many waiting ones delays another one by one. Thread-safe.</summary>
internal class FairTurns : IDisposable
{
    /// <summary>Turns that may wait: of a client, and of all clients.</summary>
    private const int WaitingOfClient = 250,
        Waiting = 500;

    /// <summary>Longest wait for a turn, as long as for a connection.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private readonly PartitionedRateLimiter<(string Key, string Client)>[] _links;
    private readonly PartitionedRateLimiter<(string Key, string Client)> _chain;
    private readonly string _work;
    private readonly TimeProvider _clock;

    /// <param name="work">What waits, for the refusal.</param>
    /// <param name="seats">Turns of a key at once.</param>
    /// <param name="ofClient">Turns of a client at once, beyond which its own wait for one another.</param>
    /// <param name="clock">The clock of the longest wait.</param>
    public FairTurns(string work, int seats, int ofClient, TimeProvider clock)
    {
        _work = work;
        _clock = clock;
        _links = [Of(turn => turn, ofClient, WaitingOfClient), Of(turn => turn.Key, seats, Waiting)];
        _chain = PartitionedRateLimiter.CreateChained(_links);
    }

    /// <summary>Waits for a turn; dispose it.</summary>
    /// <exception cref="BusyException">Too many wait, or for too long.</exception>
    public async ValueTask<IDisposable> EnterAsync(string key, string client, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Longest, _clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            var lease = await _chain.AcquireAsync((key, client), permitCount: 1, limit.Token);
            if (lease.IsAcquired)
                return lease;
            lease.Dispose();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }

        throw new BusyException($"Too many {_work} wait. Try again in some seconds.");
    }

    public void Dispose()
    {
        _chain.Dispose();
        // Not the chain's part, and each has a timer.
        foreach (var link in _links)
            link.Dispose();
        GC.SuppressFinalize(this);
    }

    private static PartitionedRateLimiter<(string Key, string Client)> Of<TKey>(
        Func<(string Key, string Client), TKey> keyOf,
        int permits,
        int waiting
    )
        where TKey : notnull =>
        PartitionedRateLimiter.Create<(string Key, string Client), TKey>(turn =>
            RateLimitPartition.GetConcurrencyLimiter(
                keyOf(turn),
                _ => new ConcurrencyLimiterOptions { PermitLimit = permits, QueueLimit = waiting }
            )
        );
}

/// <summary>Lets some reads at once, so that none waits for a connection in Npgsql.</summary>
internal sealed class ReadTurns(TimeProvider clock)
    : FairTurns("reads", SeedsPool.ReadConnections, ofClient: SeedsPool.ReadConnections / 2, clock)
{
    public ValueTask<IDisposable> EnterAsync(HttpContext context) =>
        EnterAsync("", Security.Caller.ClientOf(context), context.RequestAborted);
}
