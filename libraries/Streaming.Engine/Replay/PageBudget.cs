using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>Limits the bytes of pages that connections hold; a shared page counts once. At the limit no page is read,
/// and from half of it on, connections that do not read release theirs. Thread-safe.</summary>
internal sealed class PageBudget(long most, TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private long _held;

    public long Held => Interlocked.Read(ref _held);

    public bool IsFull => Held >= most;

    public bool IsScarce => Held >= most / 2;

    public void Take(ReplayPage page)
    {
        if (Interlocked.Increment(ref page.Holders) == 1)
            Interlocked.Add(ref _held, BytesOf(page));
    }

    public void Release(ReplayPage page)
    {
        if (Interlocked.Decrement(ref page.Holders) == 0)
            Interlocked.Add(ref _held, -BytesOf(page));
    }

    public async Task WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (IsFull)
            await Task.Delay(Pause, clock, cancellationToken);
    }

    public static long BytesOf(ReplayPage page)
    {
        long bytes = 0;
        foreach (var frame in page.Frames)
            bytes += frame.Size;
        return bytes;
    }
}
