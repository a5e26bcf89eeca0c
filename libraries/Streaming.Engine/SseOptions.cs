using System.ComponentModel.DataAnnotations;

namespace AspireSse;

/// <summary>Settings of the streams that <c>AddSse</c>
/// adds.</summary>
/// <remarks>Needed to change the settings of the streams, by the argument <c>configure</c> of <c>AddSse</c>. Internal
/// members are constants for operators: no key sets them, and only tests make them smaller.</remarks>
public sealed class SseOptions
{
    /// <summary>The name of this process in greetings, lists and leases, as
    /// <c>AddSse</c> was told.</summary>
    public string Replica { get; internal set; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>Maximum open streams of this process. Further new ones get 503.</summary>
    /// <remarks>A tenth more is kept for clients that resume.</remarks>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>Maximum open streams of one user or one anonymous address, once half of all places are taken; further
    /// ones get 429. A client that resumes may have twice as many, and 0 means unlimited.</summary>
    /// <remarks>
    /// Null, the default, is unlimited too, unless the host has a default of its own. A resuming client's former
    /// streams may still count as open. Behind a proxy that forwards no addresses, all anonymous clients count as one.
    /// </remarks>
    [Range(0, 1_000_000)]
    public int? MaxConnectionsPerClient { get; set; }

    /// <summary>Seconds without a write after which a heartbeat comment is sent. This project's clients give up after
    /// 45 seconds without a byte.</summary>
    [Range(1, 3_600)]
    public int HeartbeatSeconds { get; set; } = 15;

    /// <summary>Seconds without a successful write after which a connection counts as dead.</summary>
    [Range(1, 86_400)]
    public int DeadSeconds { get; set; } = 300;

    /// <summary>Seconds after which a stream is ended and its client asked to reconnect: the rights are
    /// then decided anew. Never if 0.</summary>
    /// <remarks>Null, the default, is 1,800 for callers who have signed in, so that a withdrawn key reads no longer,
    /// and never for others; the host may have a default of its own. Behind a load balancer that moves only new
    /// connections, set a value for all callers.</remarks>
    [Range(0, 30 * 86_400)]
    public int? MaxAgeSeconds { get; set; }

    /// <summary>Shortest reconnection time in milliseconds. Each client's is drawn at random from it to three times as
    /// much, so that clients do not return all at once.</summary>
    [Range(0, 200_000)]
    public int RetryMilliseconds { get; set; } = 1_000;

    /// <summary>Shortest reconnection time in milliseconds when this process stops; each client's is up to twice
    /// <see cref="RetryMilliseconds"/> longer. If no other process stands in meanwhile, choose the time of a restart:
    /// Firefox gives up for ever after one refused attempt, every browser after a 502 of a proxy.</summary>
    /// <remarks>Null, the default, is 5,000, Firefox's own reconnection time. A host with other replicas behind its
    /// address may have <see cref="RetryMilliseconds"/> as its default.</remarks>
    [Range(0, 200_000)]
    public int? ShutdownRetryMilliseconds { get; set; }

    /// <summary>Number of newest events, over all topics, that are kept in memory, so that most clients resume without
    /// a read of the store.</summary>
    [Range(0, 1_000_000)]
    public int RecentEvents { get; set; } = 8_192;

    /// <summary>Ends the request of a plain HTTP/1.1 stream at its start and writes to the socket instead of Kestrel's
    /// response, for less CPU and memory. Middleware, logs and metrics of requests no longer see the stream.</summary>
    /// <remarks>Needs Kestrel, and no <c>ConfigureEndpointDefaults</c> of the application's own, which replaces it. The
    /// connection ends with its stream.</remarks>
    public bool TakeOverConnections { get; set; }

    /// <summary>Number of writer loops. Each serves many connections.</summary>
    internal int Writers { get; set; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Maximum frames in one filter's ring, which has eight for each connection, and at least 1,024. A
    /// connection that lags further is fed from the recent events, or the store.</summary>
    internal int RingEvents { get; set; } = 4_096;

    /// <summary>Maximum bytes of frames in one filter's ring.</summary>
    internal int RingBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Maximum bytes of events in all rings together, each event counted once. Older events leave every
    /// ring.</summary>
    internal long AllRingBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Maximum bytes of data of the <see cref="RecentEvents"/>.</summary>
    internal int RecentBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Time for which a filter's ring outlives its last connection.</summary>
    internal TimeSpan IdleRingLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Maximum bytes of events in one write.</summary>
    internal int WriteBatchBytes { get; set; } = 64 * 1024;

    /// <summary>Kilobytes of a stream that the kernel buffers unsent (Linux). 0 means the kernel's default.</summary>
    [Range(0, 65_536)]
    public int UnsentKilobytes { get; set; } = 128;

    /// <summary>
    /// Longest pause of a writer loop between two rounds of writes, in milliseconds, and so the latency that it may
    /// add. Pauses grow with the time a round takes, which batches events under load; 0 means no pause.
    /// </summary>
    internal int MaxWritePacingMilliseconds { get; set; } = 10;

    /// <summary>Places beyond <see cref="MaxConnections"/> for resuming clients only, in percent.</summary>
    internal int ResumeReservePercent { get; set; } = 10;

    /// <summary>Seconds after which a client without matching events is sent the id of the head.</summary>
    internal int PositionSeconds { get; set; } = 9;

    /// <summary>
    /// Seconds for which a client with <c>slow=disconnect</c>, once it has caught up, may lag, or leave sent bytes
    /// unread.
    /// </summary>
    internal int SlowSeconds { get; set; } = 10;

    /// <summary>Maximum bytes of pending writes of all streams. Beyond it, the streams that have waited longest are
    /// ended.</summary>
    [Range(4L * 1024 * 1024, 1L << 36)]
    public long PendingWriteBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>Seconds without a relay heartbeat after which this replica reads the log from Postgres. Must be longer
    /// than the Broadcaster's <c>AspireSse:Relay:HeartbeatMilliseconds</c>.</summary>
    internal int RelayHeartbeatSeconds { get; set; } = 2;

    /// <summary>
    /// Seconds between looks at the store's head, because the relay and Redis may lose events. Events that are still
    /// missing at the second of two looks are read from the store.
    /// </summary>
    internal int StoreCheckSeconds { get; set; } = 1;

    /// <summary>
    /// Milliseconds that a stream's start waits for the head of the log in the store, after which it starts at the
    /// replica's own head. A start that only the store can decide waits for seconds.
    /// </summary>
    internal int HeadMilliseconds { get; set; } = 250;

    /// <summary>Maximum concurrent store reads for replays, of which one is for searches; at most
    /// <c>AspireSse:EventStore:ReplayConnections</c>.</summary>
    internal int ReplayReaders { get; set; } = int.MaxValue;

    /// <summary>Maximum bytes of store pages that connections hold; beyond it, no page is read. From half of it on, a
    /// client that does not read loses its page at once.</summary>
    [Range(1024 * 1024, 1L << 36)]
    public long ReplayBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// Attempts to read a range for a replay before its clients are asked to come back later. The attempts end about
    /// two seconds apart.
    /// </summary>
    internal int ReplayTries { get; set; } = 8;

    /// <summary>
    /// Seconds for which a range read for a replay is shared with later clients. At most <see cref="RecentBytes"/> of
    /// ranges are kept.
    /// </summary>
    internal int ReplaySharedSeconds { get; set; } = 2;
}
