using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>Signs and verifies the Broadcaster's messages, so that write access to Redis is not enough to forge one. A
/// signed message is the message, a line feed and its HMAC-SHA256 (32 bytes). Thread-safe.</summary>
internal sealed class RelaySecret([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store)
{
    private const int TrailerBytes = 1 + HMACSHA256.HashSizeInBytes;

    private volatile byte[]? _key;

    /// <summary>Takes a secret that is not the store's, for tests and measurements.</summary>
    internal RelaySecret(byte[] key)
        : this((NpgsqlDataSource)null!) => _key = key;

    public bool IsKnown => _key is not null;

    /// <summary>Reads the secret, or reads it again because it may have changed.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="InvalidOperationException">Postgres does not have the secret.</exception>
    public async Task ReadAsync(CancellationToken cancellationToken) =>
        _key = await store.ReadSecretAsync(StoreSecrets.Relay, cancellationToken);

    /// <summary>Returns the message with its signature.</summary>
    /// <exception cref="InvalidOperationException">The secret has not been read.</exception>
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

    /// <summary>Returns the message without its signature, or null if the signature is wrong or no secret has been
    /// read.</summary>
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
