namespace Conformance;

/// <summary>Returns its parts one by one, and never joins two.</summary>
internal sealed class ChunkedStream(IEnumerable<byte[]> parts, bool endless = false) : MemoryStream
{
    private readonly Queue<byte[]> rest = new(parts.Where(p => p.Length > 0));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (rest.Count == 0)
        {
            if (endless)
                await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }

        var next = rest.Dequeue();
        if (next.Length > buffer.Length)
        {
            var later = rest.ToArray();
            rest.Clear();
            rest.Enqueue(next[buffer.Length..]);
            foreach (var part in later)
                rest.Enqueue(part);
            next = next[..buffer.Length];
        }

        next.CopyTo(buffer);
        return next.Length;
    }
}
