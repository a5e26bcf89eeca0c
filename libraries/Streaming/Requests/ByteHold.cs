using Streaming.Admission;

namespace Streaming.Requests;

/// <inheritdoc/>
internal sealed class ByteHold(ByteLedger ledger, ClientKey client) : IMemoryHold
{
    /// <summary>Fewest bytes of such a request: the buffers of its connection.</summary>
    private const int MinBytes = 16 * 1024;

    private long _bytes;

    /// <inheritdoc/>
    public void Set(long bytes)
    {
        bytes = Math.Max(bytes, MinBytes);
        if (bytes == _bytes)
            return;

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
