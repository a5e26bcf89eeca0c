using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EventStore;
using Npgsql;

namespace AspireSse.Server;

/// <summary>
/// Encrypts small documents with a key that all replicas share, so that any replica can open what another sealed. A key
/// in use is read again every second, since it may change; AES-256-GCM prevents reading and tampering.
/// </summary>
/// <remarks>Needed only by an application that gives clients small encrypted documents which any of its processes must
/// open.</remarks>
public sealed class SharedSecret : IDisposable
{
    private const int NonceBytes = 12,
        TagBytes = 16;

    /// <summary>Age at which the key is read again.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    /// <summary>Maximum wait for the store. Without an answer, the known key stays in use.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _store;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _reading = new(1);
    private volatile byte[]? _secret;
    private Task<byte[]>? _asking;
    private long _triedAt;

    internal SharedSecret(NpgsqlDataSource store, TimeProvider clock) => (_store, _clock) = (store, clock);

    /// <summary>Encrypts a document.</summary>
    /// <param name="purpose">Context of the document; it opens only with the same purpose.</param>
    /// <param name="document">The content.</param>
    /// <param name="type">Its JSON.</param>
    /// <param name="cancellationToken">Cancels the read of the key.</param>
    /// <exception cref="StoreUnavailableException">The key has not been read yet, and Postgres does not
    /// answer.</exception>
    public async ValueTask<string> SealAsync<T>(
        string purpose,
        T document,
        JsonTypeInfo<T> type,
        CancellationToken cancellationToken
    )
    {
        using var aes = await CipherAsync(purpose, cancellationToken);

        var content = JsonSerializer.SerializeToUtf8Bytes(document, type);
        var all = new byte[NonceBytes + content.Length + TagBytes];
        RandomNumberGenerator.Fill(all.AsSpan(0, NonceBytes));

        aes.Encrypt(
            all.AsSpan(0, NonceBytes),
            content,
            all.AsSpan(NonceBytes, content.Length),
            all.AsSpan(^TagBytes..)
        );

        return Base64Url.EncodeToString(all);
    }

    /// <summary>Decrypts a document. Null if it was not sealed with this key for this purpose.</summary>
    /// <param name="purpose">Context of the document.</param>
    /// <param name="text">The sealed document.</param>
    /// <param name="type">Its JSON.</param>
    /// <param name="cancellationToken">Cancels the read of the key.</param>
    /// <exception cref="StoreUnavailableException">The key has not been read yet, and Postgres does not
    /// answer.</exception>
    public async ValueTask<T?> OpenAsync<T>(
        string purpose,
        string text,
        JsonTypeInfo<T> type,
        CancellationToken cancellationToken
    )
        where T : class
    {
        byte[] all;
        try
        {
            all = Base64Url.DecodeFromChars(text);
        }
        catch (FormatException)
        {
            return null;
        }

        if (all.Length < NonceBytes + TagBytes)
            return null;

        using var aes = await CipherAsync(purpose, cancellationToken);
        var content = new byte[all.Length - NonceBytes - TagBytes];
        try
        {
            aes.Decrypt(
                all.AsSpan(0, NonceBytes),
                all.AsSpan(NonceBytes, content.Length),
                all.AsSpan(^TagBytes..),
                content
            );
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        return JsonSerializer.Deserialize(content, type);
    }

    public void Dispose() => _reading.Dispose();

    private async ValueTask<AesGcm> CipherAsync(string purpose, CancellationToken cancellationToken)
    {
        var secret = _secret is { } known && IsFresh ? known : await ReadAsync(cancellationToken);
        return new AesGcm(
            HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Encoding.UTF8.GetBytes(purpose)),
            TagBytes
        );
    }

    private bool IsFresh => _clock.GetElapsedTime(Volatile.Read(ref _triedAt)) < MaxAge;

    private async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        // One request reads a known key again; the others do not wait for it.
        if (_secret is null)
            await _reading.WaitAsync(cancellationToken);
        else if (!_reading.Wait(0, CancellationToken.None))
            return _secret;

        var limit = Timeout.InfiniteTimeSpan;
        try
        {
            if (_secret is { } known)
            {
                if (IsFresh)
                    return known;
                limit = MaxWait;
            }

            // The store's own limit is longer. One read at a time is under way, however long it takes.
            if (_asking is not { IsCompleted: false })
                _asking = _store.ReadSecretAsync(StoreSecrets.Tickets, CancellationToken.None);

            return _secret = await _asking.WaitAsync(limit, _clock, cancellationToken);
        }
        // An operator who replaces the key may delete it first.
        catch (Exception e)
            when (_secret is not null && e is StoreUnavailableException or InvalidOperationException or TimeoutException
            )
        {
            return _secret;
        }
        finally
        {
            Volatile.Write(ref _triedAt, _clock.GetTimestamp());
            _reading.Release();
        }
    }
}
