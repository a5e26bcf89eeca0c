using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using Streaming.Frames;

namespace Streaming.Metrics;

/// <summary>The metrics of the meter <c>AspireSse.StreamApi</c>. Loops count deliveries in their own buckets, and a
/// proportional sample enters the histogram once a second: recording each delivery would add a twentieth to its
/// cost.</summary>
internal sealed class StreamingMetrics : IHostedService, IDisposable
{
    private const int SamplesPerFlush = 2_000;

    private readonly Counter<long> _delivered;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _resyncs;
    private readonly Counter<long> _replayed;
    private readonly Counter<long> _unframed;
    private readonly Counter<long> _stalled;
    private readonly Histogram<double> _duration;
    private readonly SseOptions _options;
    private readonly ILogger<StreamingMetrics> _logger;
    private readonly long[][] _counts;
    private readonly long[] _resyncsBy = new long[Enum.GetValues<ResyncReason>().Length];
    private long _resumed;
    private long _unframedAt;
    private readonly LogPause _stalledPause;

    public StreamingMetrics(
        IMeterFactory meters,
        IOptions<SseOptions> options,
        TimeProvider clock,
        ILogger<StreamingMetrics> logger
    )
    {
        _options = options.Value;
        _stalledPause = new LogPause(clock, TimeSpan.FromSeconds(10));
        _logger = logger;

        var meter = meters.Create("AspireSse.StreamApi");
        _delivered = meter.CreateCounter<long>("sse.server.events.delivered", "{event}", "Events handed to sockets.");
        _resumes = meter.CreateCounter<long>(
            "sse.server.resumes",
            "{stream}",
            "Streams resumed after a last event id, by source."
        );

        _resyncs = meter.CreateCounter<long>(
            "sse.server.resyncs",
            "{stream}",
            "Last event ids that were answered with a resync."
        );

        _replayed = meter.CreateCounter<long>(
            "sse.server.events.replayed",
            "{event}",
            "Events read from the store for lagging connections."
        );

        _unframed = meter.CreateCounter<long>(
            "sse.server.events.unframed",
            "{event}",
            "Events of which a stream told only the position, because they could not be framed."
        );

        _stalled = meter.CreateCounter<long>(
            "sse.server.streams.stalled",
            "{stream}",
            "Streams ended because pending writes exceeded SseOptions.PendingWriteBytes."
        );

        _duration = meter.CreateHistogram<double>(
            "sse.server.delivery.duration",
            "s",
            "Commit (or connect, if later) to socket write, a proportional sample of all deliveries."
        );

        FrameFormat.Unframed += OnUnframed;
        _counts = [.. Enumerable.Range(0, options.Value.Writers).Select(_ => new long[LatencyBuckets.Buckets])];
        clock.CreateTimer(_ => Flush(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Begins the counters at 0, because Prometheus sees the first increase of a counter only if it was 0
    /// before. Not in the constructor, because the exporter may start later.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var counter in (Counter<long>[])[_delivered, _replayed, _unframed, _stalled])
            counter.Add(0);

        foreach (var source in (string[])["memory", "store"])
            _resumes.Add(0, new KeyValuePair<string, object?>("source", source));

        foreach (var reason in Enum.GetValues<ResyncReason>())
            _resyncs.Add(0, Tag(reason));

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Counts all deliveries since the start by latency bucket.</summary>
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
        _resyncs.Add(1, Tag(reason));
    }

    /// <summary>Counts streams ended because clients did not read. Logs at most every ten seconds.</summary>
    public void Stalled(int streams)
    {
        _stalled.Add(streams);
        if (_stalledPause.IsOver())
            _logger.LogWarning(
                "Clients leave more than {Most} bytes unread (SseOptions.PendingWriteBytes): "
                    + "the streams that waited longest were ended, and resume by id",
                _options.PendingWriteBytes
            );
    }

    public long Resumes => Interlocked.Read(ref _resumed);

    public long Resyncs(ResyncReason reason) => Interlocked.Read(ref _resyncsBy[(int)reason]);

    public void Failed(string stream, Exception error) =>
        _logger.LogError(error, "Stream {Connection} failed unexpectedly and ends", stream);

    public void Dispose() => FrameFormat.Unframed -= OnUnframed;

    /// <summary>Counts an event that cannot be framed. Logs it once, although many replays may meet it.</summary>
    private void OnUnframed(EventRecord record, Exception error)
    {
        Unframed();
        if (Interlocked.Exchange(ref _unframedAt, record.Position) == record.Position)
            return;

        // On another thread: this one holds the lock of all rings, and a logger is the application's.
        _ = Task.Run(() =>
            _logger.LogError(
                error,
                "Event {Position} of {Topic} cannot be framed: its streams tell only its position",
                record.Position,
                record.Topic
            )
        );
    }

    public void Unframed() => _unframed.Add(1);

    private static KeyValuePair<string, object?> Tag(ResyncReason reason) =>
        new("reason", reason.ToString().ToLowerInvariant());

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

        // Every n-th delivery in the order of the buckets, from a random one on, so that a rare bucket counts no more
        // than its share.
        var every = Math.Max(1, (all + SamplesPerFlush - 1) / SamplesPerFlush);
        var passed = Random.Shared.NextInt64(every);

        for (var i = 0; i < totals.Length; i++)
        {
            var seconds = LatencyBuckets.MiddleOf(i) / 1e6;
            for (passed += totals[i] - _flushed[i]; passed >= every; passed -= every)
                _duration.Record(seconds);
        }

        _flushed = totals;
    }
}
