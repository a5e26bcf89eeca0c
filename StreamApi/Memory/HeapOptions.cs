namespace StreamApi.Memory;

/// <summary>When the heap is compacted. No key sets it; tests do.</summary>
internal sealed class HeapOptions
{
    /// <summary>
    /// Number of new streams after which the heap is compacted once, as soon as none has come for some seconds. It
    /// stops all threads for some milliseconds per thousand streams; 0: never.
    /// </summary>
    internal int CompactStreams { get; set; } = 2_000;

    /// <summary>Growth of the idle process in megabytes after which the heap is compacted. 0: never.</summary>
    internal int CompactMegabytes { get; set; } = 64;
}
