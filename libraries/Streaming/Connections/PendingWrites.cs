using System.Diagnostics;

namespace Streaming.Connections;

/// <summary>Bytes that outputs keep until their peers take them, and the outputs that do.</summary>
internal sealed class PendingWrite(ReadOnlyMemory<byte> bytes, long size)
{
    public ReadOnlyMemory<byte> Bytes => bytes;
    public long Size => size;

    /// <summary>Guarded by the lock of <see cref="PendingWrites"/>.</summary>
    public HashSet<StreamOutput> Holders { get; } = [];

    /// <summary>Its place in the order of age; null while nobody holds it.</summary>
    public LinkedListNode<PendingWrite>? Node;
}

/// <summary>
/// The writes that peers have not taken yet, of all streams, in the order of their age. Above the total the oldest are
/// given up and their streams ended, which resume by their id. Thread-safe.
/// </summary>
/// <param name="most">Bytes of all together.</param>
/// <param name="ended">Told how many streams were ended.</param>
internal sealed class PendingWrites(long most, Action<int> ended)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingWrite> _oldest = [];
    private long _held;

    /// <summary>A write that several outputs keep counts once.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Further writes to readers that lag are to be small.</summary>
    public bool IsScarce => Held >= most / 2;

    /// <summary>Counts a write until <see cref="Release"/>. May end the streams of older ones.</summary>
    public void Hold(PendingWrite write, StreamOutput output)
    {
        List<StreamOutput>? stalled = null;
        lock (_gate)
        {
            write.Holders.Add(output);
            if (write.Node is null)
            {
                write.Node = _oldest.AddLast(write);
                _held += write.Size;
            }
            // One event may be larger than the total: its own write stays.
            while (_held > most && _oldest.First is { } first && first.Value != write)
            {
                (stalled ??= []).AddRange(first.Value.Holders);
                Remove(first.Value);
            }
        }
        if (stalled is null)
            return;
        foreach (var other in stalled)
            other.Stream?.Stop(EndReason.Stalled);
        ended(stalled.Count);
    }

    public void Release(PendingWrite write, StreamOutput output)
    {
        lock (_gate)
            if (write.Holders.Remove(output) && write.Holders.Count == 0)
                Remove(write);
    }

    private void Remove(PendingWrite write)
    {
        Debug.Assert(write.Node is not null, "Only what is held is removed.");
        _oldest.Remove(write.Node);
        (write.Node, _held) = (null, _held - write.Size);
        write.Holders.Clear();
    }
}
