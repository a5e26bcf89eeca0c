using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>The messages that this store's Broadcasters sign.</summary>
internal sealed class SignedMessages(RelaySecret secret, RelayFormat format, IOptions<EventStoreOptions> store)
{
    /// <summary>The channel of heartbeats; those of slots and indexes derive from it.</summary>
    public string Channel => store.Value.Channel;

    public bool IsSecretKnown => secret.IsKnown;

    /// <summary>Reads the secret from the store.</summary>
    /// <exception cref="StoreUnavailableException">The store does not answer.</exception>
    public Task ReadSecretAsync(CancellationToken cancellationToken) => secret.ReadAsync(cancellationToken);

    /// <summary>Returns the message, or null if it is not signed with the secret, or that is not known.</summary>
    /// <exception cref="Exception">It is signed and cannot be parsed; which exception it is depends on it.</exception>
    public RelayMessage? Open(byte[] bytes) => secret.Open(bytes) is { } signed ? format.Parse(signed) : null;
}
