using System.ComponentModel.DataAnnotations;

namespace StreamApi.Streaming.Connections;

/// <summary>How many streams of a kind may be open on this replica at once; the next gets 503. Section
/// <c>Pools</c>.</summary>
internal sealed class StreamPoolOptions
{
    /// <summary>Streams below <c>/sse/</c>.</summary>
    [Range(1, 1_000_000)]
    public int Sse { get; set; } = 1_000;

    /// <summary>Streams of the task events, <c>/events/stream</c>.</summary>
    [Range(1, 1_000_000)]
    public int Tasks { get; set; } = 1_000;
}

/// <summary>A limit of its own for some paths, below the server's.</summary>
internal sealed class StreamPool(int limit)
{
    private int _taken;

    /// <summary>Takes a place; false where all are taken, and so many more.</summary>
    public bool TryTake(int reservePercent)
    {
        if (Interlocked.Increment(ref _taken) <= limit + limit * reservePercent / 100)
            return true;
        Give();
        return false;
    }

    public void Give() => Interlocked.Decrement(ref _taken);
}
