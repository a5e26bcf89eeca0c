using Streaming.Admission;

namespace AspireSse.Server;

/// <summary>Memory that one request holds. Dispose it to release the memory before the response ends.</summary>
/// <remarks>Needed only by an endpoint that counts the memory of its request by
/// <see cref="RequestBudget.Hold"/>.</remarks>
public sealed class ByteHold : IDisposable
{
    private readonly ByteLedger _ledger;
    private readonly ClientKey _client;

    internal ByteHold(ByteLedger ledger, ClientKey client) => (_ledger, _client) = (ledger, client);

    /// <summary>Fewest bytes that a request holds: the buffers of its connection.</summary>
    private const int MinBytes = 16 * 1024;

    private long _bytes;

    /// <summary>Sets how many bytes the request holds now. Fewer than 16 kB, the buffers of its connection, count as 16
    /// kB.</summary>
    /// <exception cref="RefusedException">429: the client exceeds its share; 503: all clients hold too much; 413: the
    /// bytes never fit.</exception>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, MinBytes);
        if (bytes == _bytes)
            return;

        if (bytes > _ledger.Limit)
            throw RefusedException.NeverFits(
                "This needs more memory than all requests together may hold (AdmissionOptions.HeldBytes)."
            );

        var verdict = _ledger.Change(_client, _bytes, bytes);
        var isOwnExcess = verdict == ShareVerdict.OwnExcess;

        if (verdict != ShareVerdict.Admitted)
            throw new RefusedException(
                isOwnExcess,
                isOwnExcess ? "Too much memory" : "Server busy",
                isOwnExcess
                    ? "Your requests hold more than an equal share of requests' memory (AdmissionOptions.HeldBytes)."
                    : "All requests together hold the most memory that they may use (AdmissionOptions.HeldBytes)."
            );

        _bytes = bytes;
    }

    /// <summary>Releases all bytes.</summary>
    public void Dispose()
    {
        _ledger.Change(_client, _bytes, 0);
        _bytes = 0;
    }
}
