using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Frames;

namespace Streaming;

/// <summary>
/// Meter <c>AspireSse.StreamApi</c>. Deliveries are counted by each loop in its own buckets; once a second a
/// proportional sample of them
/// goes into the histogram, since recording each would cost as much as a twentieth of the delivery itself.
/// </summary>
internal sealed class StreamingMetrics : IDisposable
{
    private const int SamplesPerFlush = 2_000;

    private readonly Counter<long> _delivered;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _resyncs;
    private readonly Counter<long> _replayed;
    private readonly Counter<long> _unshown;
    private readonly Counter<long> _stalled;
    private readonly Histogram<double> _duration;
    private readonly StreamingOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<StreamingMetrics> _logger;
    private readonly long[][] _counts;
    private readonly long[] _resyncsBy = new long[Enum.GetValues<ResyncReason>().Length];
    private long _resumed,
        _unshownAt,
        _stalledToldAt;

    public StreamingMetrics(
        IMeterFactory meters,
        IOptions<StreamingOptions> options,
        TimeProvider clock,
        ILogger<StreamingMetrics> logger
    )
    {
        (_options, _clock, _logger) = (options.Value, clock, logger);
        var meter = meters.Create("AspireSse.StreamApi");
        _delivered = meter.CreateCounter<long>("sse.server.events.delivered", "{event}", "Events handed to sockets.");
        _resumes = meter.CreateCounter<long>(
            "sse.server.resumes",
            "{stream}",
            "Streams that went on after a last id, by where from."
        );
        _resyncs = meter.CreateCounter<long>("sse.server.resyncs", "{stream}", "Ids that could not be honoured.");
        _replayed = meter.CreateCounter<long>(
            "sse.server.events.replayed",
            "{event}",
            "Events read from the store for connections that lagged."
        );
        _unshown = meter.CreateCounter<long>(
            "sse.server.events.unshown",
            "{event}",
            "Events that could not be framed and were left out of a stream."
        );
        _stalled = meter.CreateCounter<long>(
            "sse.server.streams.stalled",
            "{stream}",
            "Streams ended because readers left more writes untaken than Streaming:PendingWriteBytes."
        );
        FrameFormat.Unshown += Unshown;
        _duration = meter.CreateHistogram<double>(
            "sse.server.delivery.duration",
            "s",
            "Commit, or the connection's coming where that was later, to the bytes being handed to the socket (a proportional sample)."
        );
        _counts = [.. Enumerable.Range(0, options.Value.Writers).Select(_ => new long[LatencyBuckets.Buckets])];
        clock.CreateTimer(_ => Flush(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>All deliveries by latency bucket since the start.</summary>
    public long[] Totals()
    {
        var totals = new long[LatencyBuckets.Buckets];
        foreach (var loop in _counts)
            for (var i = 0; i < totals.Length; i++)
                totals[i] += Volatile.Read(ref loop[i]);
        return totals;
    }

    public void Delivered(int loop, ReadOnlySpan<int> buckets)
    {
        var counts = _counts[loop];
        foreach (var bucket in buckets)
            counts[bucket]++;
    }

    public void Resumed(bool fromMemory)
    {
        Interlocked.Increment(ref _resumed);
        _resumes.Add(1, new KeyValuePair<string, object?>("source", fromMemory ? "memory" : "store"));
    }

    public void Resynced(ResyncReason reason)
    {
        Interlocked.Increment(ref _resyncsBy[(int)reason]);
        _resyncs.Add(1, new KeyValuePair<string, object?>("reason", reason.ToString().ToLowerInvariant()));
    }

    /// <summary>Logged every ten seconds at most.</summary>
    public void Stalled(int streams)
    {
        _stalled.Add(streams);
        var (now, told) = (_clock.GetTimestamp(), Interlocked.Read(ref _stalledToldAt));
        if (told != 0 && _clock.GetElapsedTime(told, now) < TimeSpan.FromSeconds(10))
            return;
        if (Interlocked.CompareExchange(ref _stalledToldAt, now, told) == told)
            _logger.LogWarning(
                "Readers have left {Most} bytes of writes untaken (Streaming:PendingWriteBytes): the streams that waited longest are ended and resume by their id",
                _options.PendingWriteBytes
            );
    }

    /// <summary>Since the start.</summary>
    public long Resumes => Interlocked.Read(ref _resumed);

    /// <summary>Since the start.</summary>
    public long Resyncs(ResyncReason reason) => Interlocked.Read(ref _resyncsBy[(int)reason]);

    public void Dispose() => FrameFormat.Unshown -= Unshown;

    /// <summary>Logged once for each event in turn: many forms and replays may meet the same one.</summary>
    private void Unshown(EventRecord e, Exception error)
    {
        _unshown.Add(1);
        if (Interlocked.Exchange(ref _unshownAt, e.Position) == e.Position)
            return;
        _logger.LogError(
            error,
            "Event {Position} of {Topic} cannot be shown and is left out of its streams",
            e.Position,
            e.Topic
        );
    }

    public void Replayed(int events) => _replayed.Add(events);

    private long[] _flushed = new long[LatencyBuckets.Buckets];

    private void Flush()
    {
        var totals = Totals();
        long all = 0;
        for (var i = 0; i < totals.Length; i++)
            all += totals[i] - _flushed[i];
        if (all > 0)
            _delivered.Add(all);
        var every = Math.Max(1, all / SamplesPerFlush);
        for (var i = 0; i < totals.Length; i++)
        {
            var seconds = Math.Pow(2, (i + 0.5) / 2) / 1e6;
            for (var n = (totals[i] - _flushed[i] + every - 1) / every; n > 0; n--)
                _duration.Record(seconds);
        }
        _flushed = totals;
    }
}
