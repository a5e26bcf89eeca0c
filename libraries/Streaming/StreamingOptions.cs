using System.ComponentModel.DataAnnotations;

namespace Streaming;

/// <summary>Limits and times of the streams; section <c>Streaming</c>.</summary>
internal sealed class StreamingOptions
{
    /// <summary>This process's name in greetings, lists and leases.</summary>
    [MinLength(1)]
    public string Replica { get; set; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>Writer loops; each serves many connections.</summary>
    [Range(1, 64)]
    public int Writers { get; set; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    /// <summary>Most frames that one filter's connections may lag behind before they are fed from the store.</summary>
    [Range(16, 1_000_000)]
    public int RingEvents { get; set; } = 4_096;

    /// <summary>Most bytes of frames in one filter's ring.</summary>
    [Range(64 * 1024, 1 << 30)]
    public int RingBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Most bytes of events in all rings together; an event counts once, in however many rings it is. What is
    /// older leaves every ring.</summary>
    [Range(1024 * 1024, 1L << 36)]
    public long AllRingBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Newest events of all topics kept in memory for resumes.</summary>
    [Range(0, 1_000_000)]
    public int RecentEvents { get; set; } = 8_192;

    /// <summary>Most bytes of data of those.</summary>
    [Range(64 * 1024, 1 << 30)]
    public int RecentBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>How long a filter's ring outlives its last connection.</summary>
    public TimeSpan IdleLogLifetime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Most bytes joined into one write.</summary>
    [Range(1_024, 4 * 1024 * 1024)]
    public int WriteBatchBytes { get; set; } = 64 * 1024;

    /// <summary>Most kilobytes that the kernel takes of a stream before its reader's window has room for them (Linux).
    /// 0: as many as the kernel likes.</summary>
    [Range(0, 65_536)]
    public int UnsentKilobytes { get; set; } = 128;

    /// <summary>Longest rest of a writer loop between two rounds of writes, in milliseconds: it rests as long as the
    /// last round took, so that under load
    /// events are joined into fewer writes. What it may add to an event's latency. 0: none.</summary>
    [Range(0, 1_000)]
    public int MaxWritePacingMilliseconds { get; set; } = 10;

    /// <summary>Write plain HTTP/1.1 streams to their sockets instead of through Kestrel's output pipe: a fifth less
    /// CPU a delivery.</summary>
    public bool RawSocket { get; set; } = true;

    /// <summary>Streams open on this replica at once; the next new one gets 503.</summary>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>Places beyond <see cref="MaxConnections"/> that only returning clients get, in percent of it.</summary>
    [Range(0, 100)]
    public int ResumeReservePercent { get; set; } = 10;

    /// <summary>Streams that one user, or else one address, may have open on this replica; the next new one gets 429.
    /// Who returns may have twice as
    /// many: those he comes back from may not be known to be gone. 0: any number (behind a proxy that tells no
    /// addresses, all clients are one). Where nothing is said: 100 outside Development.</summary>
    [Range(0, 1_000_000)]
    public int? MaxConnectionsPerClient { get; set; }

    /// <summary>Seconds without a write until a heartbeat comment.</summary>
    [Range(1, 3_600)]
    public int HeartbeatSeconds { get; set; } = 15;

    /// <summary>Seconds until a client whose filter matches nothing is told how far the head is.</summary>
    [Range(1, 3_600)]
    public int PositionSeconds { get; set; } = 9;

    /// <summary>Seconds that a reader with <c>slow=disconnect</c> may take nothing of what waits for it; at once where
    /// the memory no longer holds it.</summary>
    [Range(1, 86_400)]
    public int SlowSeconds { get; set; } = 10;

    /// <summary>Bytes of writes, of all streams, that readers have not taken yet. Beyond them the streams that have
    /// waited longest are ended; they resume by their id.</summary>
    [Range(4L * 1024 * 1024, 1L << 36)]
    public long PendingWriteBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>Seconds without a successful write until a connection counts as dead.</summary>
    [Range(1, 86_400)]
    public int DeadSeconds { get; set; } = 300;

    /// <summary>Seconds after which a stream is ended, its client told to come back; for balancers that move load only
    /// by new connections. 0: never.</summary>
    [Range(0, 30 * 86_400)]
    public int MaxAgeSeconds { get; set; }

    /// <summary>The reconnection time sent at connect and at drain is drawn between these, in milliseconds, so that
    /// clients do not return at once.</summary>
    [Range(0, 600_000)]
    public int RetryMinMilliseconds { get; set; } = 1_000;

    /// <summary>See <see cref="RetryMinMilliseconds"/>.</summary>
    [Range(1, 600_000)]
    public int RetryMaxMilliseconds { get; set; } = 3_000;

    /// <summary>Seconds without a beat until this replica reads the log from Postgres by itself.</summary>
    [Range(1, 600)]
    public int RelayHeartbeatSeconds { get; set; } = 2;

    /// <summary>Seconds between looks at the store although the Broadcaster beats: neither it nor Redis is believed
    /// blindly.</summary>
    [Range(1, 600)]
    public int StoreCheckSeconds { get; set; } = 5;

    /// <summary>Seconds between comparisons of this process's clock with Postgres's, which stamps the events.</summary>
    [Range(1, 3_600)]
    public int StoreClockSeconds { get; set; } = 10;

    /// <summary>Reads of the store for replays, at once.</summary>
    [Range(1, 64)]
    public int ReplayReaders { get; set; } = 4;

    /// <summary>Bytes of pages that connections may hold while they are fed from the store; beyond them no further page
    /// is read before one is
    /// given back. From half of them on, readers that take nothing at the moment give theirs back at once (after three
    /// seconds in any case).</summary>
    [Range(1024 * 1024, 1L << 36)]
    public long ReplayBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Tries to read a range for a replay, about two seconds apart in the end, until its readers are told to
    /// come back later.</summary>
    [Range(1, 1_000)]
    public int ReplayTries { get; set; } = 8;

    /// <summary>Seconds that a range read for a replay serves others that ask for it; at most <see cref="RecentBytes"/>
    /// of them are kept.</summary>
    [Range(0, 60)]
    public int ReplaySharedSeconds { get; set; } = 2;

    /// <summary>New streams that make a storm: what they left on the heap is given back once, when no more have come
    /// for ten seconds. It stops all threads
    /// for some milliseconds a thousand streams. 0: never.</summary>
    [Range(0, 1_000_000)]
    public int CompactStreams { get; set; } = 2_000;

    /// <summary>Megabytes by which the process has grown, and is quiet again, until its heap is compacted, as after a
    /// storm. 0: never.</summary>
    [Range(0, 1_000_000)]
    public int CompactMegabytes { get; set; } = 100;

    public int NextRetry() =>
        Random.Shared.Next(Math.Min(RetryMinMilliseconds, RetryMaxMilliseconds), RetryMaxMilliseconds + 1);
}
