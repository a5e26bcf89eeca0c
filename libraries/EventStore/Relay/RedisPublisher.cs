using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace EventStore;

/// <summary>Publishes signed messages, and hears those of replicas; a timeout keeps a frozen or unreachable Redis from
/// blocking the relay.</summary>
internal sealed class RedisPublisher(
    RedisLink redis,
    RelayChannels channels,
    RelaySecret secret,
    IOptions<RelayOptions> options,
    IOptions<EventStoreOptions> store,
    RelayMetrics metrics,
    TimeProvider clock
)
{
    /// <summary>The interval at which the secret is read again, because an operator can change it.</summary>
    private static readonly TimeSpan SecretInterval = TimeSpan.FromSeconds(10);

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds);
    private long _sent;

    public Task ReadSecretAsync(CancellationToken cancellationToken) => secret.ReadAsync(cancellationToken);

    public async Task RenewSecretAsync(CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(SecretInterval, clock);
        while (await timer.WaitForNextTickAsync(stopped))
        {
            try
            {
                await secret.ReadAsync(stopped);
            }
            catch (Exception e) when (e is StoreUnavailableException or InvalidOperationException)
            { /* the current secret stays valid, also while an operator replaces the row */
            }
        }
    }

    /// <summary>Calls back with each page that a replica sends of its own commit, until cancelled. Refused messages are
    /// only ignored, because the Broadcaster then reads the events.</summary>
    public async Task HearAsync(Action<RelayPage> heard, CancellationToken stopped)
    {
        while (true)
        {
            try
            {
                await channels.SubscribeAsync(channels.Direct, Take, _ => { }, _timeout, stopped);
                await Task.Delay(Timeout.InfiniteTimeSpan, clock, stopped);
            }
            // Logged where messages are published.
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                await Task.Delay(_timeout, clock, stopped);
            }
        }

        void Take(RelayPage page)
        {
            if (!stopped.IsCancellationRequested)
                heard(page);
        }
    }

    /// <summary>Publishes a page of events, or without events a heartbeat.</summary>
    public async Task PublishAsync(
        RelayPage page,
        IReadOnlyList<EventRecord> events,
        CancellationToken cancellationToken
    )
    {
        // The number follows the clock, so that a leader that restarts with its old fence does not count from the
        // beginning.
        _sent = Math.Max(_sent + 1, clock.GetUtcNow().UtcTicks);
        var message = secret.Sign(RelayFormat.ToBytes(page with { Sent = _sent }, events));

        if (!await redis.PublishAsync(store.Value.Channel, message, _timeout, cancellationToken))
            metrics.Failed();
    }
}
