using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Sends the commits of this process to the other replicas and to the Broadcaster, which relays what is
/// lost.</summary>
internal sealed class DirectPublisher(
    RedisLink redis,
    RelaySecret secret,
    IOptions<RelayOptions> options,
    IOptions<EventStoreOptions> store
) : ICommitPublisher
{
    private readonly string _channel = store.Value.DirectChannel;
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMilliseconds);

    public bool IsHeard => redis.IsAvailable;

    /// <summary>Together, the events may have as many bytes as one that is relayed with its data. A larger commit needs
    /// no haste.</summary>
    public bool Takes(long bytes) => bytes <= options.Value.MaxDataBytes && secret.IsKnown && redis.IsConnected;

    public void Publish(CommittedEvents commit)
    {
        var page = new RelayPage(commit.Epoch, Fence: 0, commit.Previous, commit.Last, Sent: 0)
        {
            TraceParent = EventTracing.Current,
        };
        var message = secret.Sign(RelayFormat.ToBytes(page, commit.Events));
        redis.Post(_channel, message, _timeout);
    }
}
