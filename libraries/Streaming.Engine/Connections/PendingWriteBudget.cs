using System.Diagnostics;

namespace Streaming.Connections;

/// <summary>The part of a stream that its output and the budget of pending writes call. Any thread may call
/// it.</summary>
internal interface IOutputOwner
{
    /// <summary>Reports that the output accepts bytes again, or is broken.</summary>
    void Ready();

    /// <summary>Ends the stream, because other streams need the memory of its pending write.</summary>
    void EndStalled();

    /// <summary>Reports that the client has closed or lost the connection.</summary>
    void Gone();
}

/// <summary>A write that some peers have not taken, and the streams of these peers.</summary>
internal sealed class PendingWrite(ReadOnlyMemory<byte> bytes, long size)
{
    public ReadOnlyMemory<byte> Bytes => bytes;
    public long Size => size;

    /// <summary>Guarded by the lock of <see cref="PendingWriteBudget"/>.</summary>
    public HashSet<IOutputOwner> Holders { get; } = [];

    /// <summary>Node in the list by age, or null while no stream holds the write.</summary>
    public LinkedListNode<PendingWrite>? Node;
}

/// <summary>
/// The pending writes of all streams, by age. Above the limit, the streams with the oldest writes are ended; their
/// clients resume by id. Thread-safe.
/// </summary>
/// <param name="most">Maximum bytes of all writes.</param>
/// <param name="ended">Called with the number of streams ended.</param>
internal sealed class PendingWriteBudget(long most, Action<int> ended)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingWrite> _oldest = [];
    private long _held;

    /// <summary>Bytes of pending writes. A write that several streams share counts once.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>True when writes to lagging connections should be small.</summary>
    public bool IsScarce => Held >= most / 2;

    /// <summary>
    /// Counts a write until <see cref="Release"/>, and ends the streams of older writes above the limit.
    /// </summary>
    public void Hold(PendingWrite write, IOutputOwner stream)
    {
        List<IOutputOwner>? stalled = null;
        lock (_gate)
        {
            write.Holders.Add(stream);

            if (write.Node is null)
            {
                write.Node = _oldest.AddLast(write);
                _held += write.Size;
            }

            // The new write stays, because one event alone may exceed the limit.
            while (_held > most && _oldest.First is { } first && first.Value != write)
            {
                (stalled ??= []).AddRange(first.Value.Holders);
                Remove(first.Value);
            }
        }

        if (stalled is null)
            return;

        foreach (var other in stalled)
            other.EndStalled();

        ended(stalled.Count);
    }

    public void Release(PendingWrite write, IOutputOwner stream)
    {
        lock (_gate)
            if (write.Holders.Remove(stream) && write.Holders.Count == 0)
                Remove(write);
    }

    private void Remove(PendingWrite write)
    {
        Debug.Assert(write.Node is not null, "Only a held write can be removed.");
        _oldest.Remove(write.Node);
        write.Node = null;
        _held -= write.Size;
        write.Holders.Clear();
    }
}
