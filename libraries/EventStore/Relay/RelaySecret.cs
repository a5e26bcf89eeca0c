using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>
/// The secret by which stream servers know the Broadcaster's messages: whoever can write to Redis, but not read
/// Postgres, cannot make
/// one. A signed message ends in a line feed and its HMAC-SHA256, where a server of a former version has stopped to
/// read.
/// </summary>
public sealed class RelaySecret([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store)
{
    private const int TrailerBytes = 1 + HMACSHA256.HashSizeInBytes;

    private volatile byte[]? _key;

    /// <summary>Whether it has been read.</summary>
    public bool IsKnown => _key is not null;

    /// <summary>Reads it, again where it may have changed.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task ReadAsync(CancellationToken cancellationToken) =>
        _key = await store.ReadSecretAsync(StoreSecrets.Relay, cancellationToken);

    /// <summary>The message with its signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var output = new byte[message.Length + TrailerBytes];
        message.CopyTo(output);
        output[message.Length] = (byte)'\n';
        HMACSHA256.HashData(
            _key ?? throw new InvalidOperationException("The secret has not been read."),
            message,
            output.AsSpan(message.Length + 1)
        );
        return output;
    }

    /// <summary>The message within; null where the signature is not this secret's.</summary>
    public ReadOnlyMemory<byte>? Open(ReadOnlyMemory<byte> sealedMessage)
    {
        if (_key is not { } key || sealedMessage.Length <= TrailerBytes)
            return null;
        var message = sealedMessage[..^TrailerBytes];
        Span<byte> expected = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, message.Span, expected);
        return CryptographicOperations.FixedTimeEquals(expected, sealedMessage.Span[(message.Length + 1)..])
            ? message
            : null;
    }
}
