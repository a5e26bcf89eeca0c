using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Receives signed pages from the channels of the relay.</summary>
internal sealed class RelayChannels(RedisLink redis, RelaySecret secret, IOptions<EventStoreOptions> store)
{
    public string Relayed => store.Value.Channel;

    /// <inheritdoc cref="EventStoreOptions.DirectChannel"/>
    public string Direct => store.Value.DirectChannel;

    /// <summary>Subscribes as <see cref="RedisLink.SubscribeAsync"/> does. When a subscription is repeated, the former
    /// one may still bring pages.</summary>
    /// <param name="channel">One of the channels above.</param>
    /// <param name="take">Takes a page. It may throw, because a signed page may contain anything.</param>
    /// <param name="refuse">Called with the reason for a message that is no page.</param>
    /// <inheritdoc cref="RedisLink.SubscribeAsync" path="/exception"/>
    public Task SubscribeAsync(
        string channel,
        Action<RelayPage> take,
        Action<string> refuse,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) =>
        redis.SubscribeAsync(
            channel,
            bytes =>
            {
                // Messages are refused too while the secret is not known.
                if (secret.Open(bytes) is not { } message)
                {
                    refuse("it is not signed with this store's secret");
                    return;
                }

                try
                {
                    take(RelayFormat.Parse(message));
                }
                catch (Exception e)
                {
                    refuse(e.Message);
                }
            },
            timeout,
            cancellationToken
        );
}
