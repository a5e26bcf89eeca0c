using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Sends the commits of this process to the other replicas and to the Broadcaster, which relays what is
/// lost.</summary>
internal sealed class DirectPublisher(RedisLink redis, RelaySecret secret, IOptions<EventStoreOptions> store)
    : ICommitPublisher
{
    /// <summary>Maximum bytes of the events' data: the largest event that is relayed with its data
    /// (<see cref="RelayOptions.MaxDataBytes"/>). A larger commit needs no haste.</summary>
    private const int MaxBytes = 64 * 1024;

    /// <summary>Time after which Redis is taken for frozen, as by the Broadcaster
    /// (<see cref="RelayOptions.PublishTimeoutMilliseconds"/>).</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private readonly string _channel = store.Value.DirectChannel;

    public bool IsHeard => redis.IsAvailable;

    public bool Takes(long bytes) => bytes <= MaxBytes && secret.IsKnown && redis.IsConnected;

    public void Publish(CommittedEvents commit)
    {
        var page = new RelayPage(commit.Epoch, Fence: 0, commit.Previous, commit.Last, Sent: 0)
        {
            TraceParent = EventTracing.Current,
        };
        var message = secret.Sign(RelayFormat.ToBytes(page, commit.Events));
        _ = redis.PublishAsync(_channel, message, Timeout, CancellationToken.None);
    }
}
