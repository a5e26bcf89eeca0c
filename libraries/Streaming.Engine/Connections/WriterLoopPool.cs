using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;
using Streaming.Metrics;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Spreads connections over writer loops, and wakes the loops. Disposed after the streams have
/// ended.</summary>
internal sealed class WriterLoopPool : IDisposable
{
    private readonly WriterLoop[] _loops;
    private readonly FilterRingRegistry _rings;
    private uint _next;

    public WriterLoopPool(
        FilterRingRegistry rings,
        IReplay replay,
        IOptions<SseOptions> options,
        StreamingMetrics metrics,
        StoreClock storeClock,
        PendingWriteBudget pending
    )
    {
        _rings = rings;
        _loops =
        [
            .. Enumerable
                .Range(0, options.Value.Writers)
                .Select(n => new WriterLoop(n, rings, replay, options.Value, metrics, storeClock, pending)),
        ];
        rings.Appended += Wake;

        foreach (var loop in _loops)
            loop.Start();
    }

    public void Attach(StreamConnection connection) =>
        _loops[Interlocked.Increment(ref _next) % (uint)_loops.Length].Attach(connection);

    private void Wake(IReadOnlyList<FilterRing> grown)
    {
        foreach (var loop in _loops)
            loop.Grown(grown);
    }

    public void Dispose()
    {
        _rings.Appended -= Wake;
        foreach (var loop in _loops)
            loop.Dispose();
    }
}
