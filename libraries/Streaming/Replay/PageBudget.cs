namespace Streaming.Replay;

/// <summary>
/// Bytes of the pages that connections hold. While they are too many, no further page is read. Half of them is for
/// connections whose peers take what they are sent: from there on the others give theirs back. A page that several connections share counts once. Thread-safe.
/// </summary>
internal sealed class PageBudget(long most, TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private long _held;

    public long Held => Interlocked.Read(ref _held);

    public bool IsFull => Held >= most;

    /// <summary>Connections whose peers take nothing at the moment give theirs back.</summary>
    public bool IsScarce => Held >= most / 2;

    public void Hold(ReplayPage page)
    {
        if (Interlocked.Increment(ref page.Holders) == 1)
            Interlocked.Add(ref _held, BytesOf(page));
    }

    public void GiveBack(ReplayPage page)
    {
        if (Interlocked.Decrement(ref page.Holders) == 0)
            Interlocked.Add(ref _held, -BytesOf(page));
    }

    /// <summary>Returns when another page may be read.</summary>
    public async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (IsFull)
            await Task.Delay(Pause, clock, cancellationToken);
    }

    private static long BytesOf(ReplayPage page)
    {
        long bytes = 0;
        foreach (var frame in page.Frames)
            bytes += frame.Bytes.Length;
        return bytes;
    }
}
