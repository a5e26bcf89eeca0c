using Streaming.Admission;

namespace Streaming.Requests;

/// <summary>Memory that one request holds. Dispose it to release the memory before the response ends.</summary>
internal sealed class ByteHold(ByteLedger ledger, ClientKey client) : IDisposable
{
    /// <summary>Fewest bytes that a request holds: the buffers of its connection.</summary>
    private const int MinBytes = 16 * 1024;

    private long _bytes;

    /// <exception cref="RefusedException">429: over its share; 503: all hold too much; 413: never fits.</exception>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, MinBytes);
        if (bytes == _bytes)
            return;

        if (bytes > ledger.Limit)
            throw RefusedException.NeverFits(
                "This needs more memory than all requests together may hold (Limits:HeldMegabytes)."
            );

        var verdict = ledger.Change(client, _bytes, bytes);
        var isOwnExcess = verdict == ShareVerdict.OwnExcess;

        if (verdict != ShareVerdict.Admitted)
            throw new RefusedException(
                isOwnExcess,
                isOwnExcess ? "Too much memory" : "Server busy",
                isOwnExcess
                    ? "Your requests hold more than an equal share of the memory for requests (Limits:HeldMegabytes)."
                    : "All requests together hold the most memory that they may use (Limits:HeldMegabytes)."
            );

        _bytes = bytes;
    }

    public void Dispose()
    {
        ledger.Change(client, _bytes, 0);
        _bytes = 0;
    }
}
