namespace Streaming.Admission;

/// <summary>Bytes that all clients hold, in equal shares (<see cref="EqualShare"/>). Small holds are always admitted,
/// so that a full server still answers. Thread-safe.</summary>
/// <param name="limit">Bytes that all clients together usually hold at most. The absolute maximum is twice as
/// much.</param>
internal sealed class ByteLedger(long limit)
{
    /// <summary>Bytes of the largest hold that is always admitted. The number of connections bounds the number of such
    /// holds.</summary>
    public const int SmallBytes = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _held = new(StringComparer.Ordinal);
    private long _total;

    public long Limit => limit;

    public long Held
    {
        get
        {
            lock (_gate)
                return _total;
        }
    }

    /// <summary>Changes the bytes of one hold of the client. A refused change has no effect.</summary>
    public ShareVerdict Change(ClientKey client, long before, long after)
    {
        lock (_gate)
        {
            var known = _held.TryGetValue(client.Account, out var mine);
            mine += after - before;
            var total = _total + after - before;

            var verdict =
                after <= before || after <= SmallBytes
                    ? ShareVerdict.Admitted
                    : EqualShare.Of(limit, total, mine, known ? _held.Count : _held.Count + 1);
            if (verdict == ShareVerdict.Admitted)
                Set(client, mine, total);

            return verdict;
        }
    }

    /// <summary>Counts bytes until the result is disposed, whatever the limit.</summary>
    public IDisposable Keep(ClientKey client, long bytes)
    {
        lock (_gate)
            Set(client, _held.GetValueOrDefault(client.Account) + bytes, _total + bytes);
        return new Kept(this, client, bytes);
    }

    private void Set(ClientKey client, long mine, long total)
    {
        _total = total;
        if (mine == 0)
            _held.Remove(client.Account);
        else
            _held[client.Account] = mine;
    }

    private sealed class Kept(ByteLedger ledger, ClientKey client, long bytes) : IDisposable
    {
        private ByteLedger? _ledger = ledger;

        public void Dispose() => Interlocked.Exchange(ref _ledger, null)?.Change(client, bytes, 0);
    }
}
