using System.ComponentModel.DataAnnotations;

namespace Streaming;

/// <summary>Settings of the streams that <see cref="Microsoft.Extensions.Hosting.SseExtensions.AddSse"/>
/// adds.</summary>
public sealed class SseOptions
{
    private readonly StreamingOptions _defaults = new();

    public SseOptions()
    {
        Replica = _defaults.Replica;
        MaxStreams = _defaults.MaxConnections;
        HeartbeatSeconds = _defaults.HeartbeatSeconds;
        DeadSeconds = _defaults.DeadSeconds;
        RetryMinMilliseconds = _defaults.RetryMinMilliseconds;
        RetryMaxMilliseconds = _defaults.RetryMaxMilliseconds;
        RecentEvents = _defaults.RecentEvents;
        TakeOverConnections = _defaults.TakeOverConnections;
    }

    /// <summary>The name of this process in greetings, metrics and leases.</summary>
    [MinLength(1)]
    public string Replica { get; set; }

    /// <summary>Maximum open streams of this process. Further new ones get 503; a tenth more is kept for clients that
    /// resume.</summary>
    [Range(1, 1_000_000)]
    public int MaxStreams { get; set; }

    /// <summary>Maximum open streams of one user, or of one address without a user, once half of all are taken; null:
    /// any number.</summary>
    [Range(1, 1_000_000)]
    public int? MaxStreamsPerClient { get; set; }

    /// <summary>Seconds without a write after which a heartbeat comment is sent.</summary>
    [Range(1, 3_600)]
    public int HeartbeatSeconds { get; set; }

    /// <summary>Seconds without a successful write after which a client counts as gone.</summary>
    [Range(1, 86_400)]
    public int DeadSeconds { get; set; }

    /// <summary>Lower bound of the reconnection time that clients are sent, in milliseconds; drawn at random, so that
    /// they do not return all at once.</summary>
    [Range(0, 600_000)]
    public int RetryMinMilliseconds { get; set; }

    /// <summary>Upper bound of the reconnection time, in milliseconds.</summary>
    [Range(1, 600_000)]
    public int RetryMaxMilliseconds { get; set; }

    /// <summary>Number of newest events that are kept in memory, so that most clients resume without a read of the
    /// store.</summary>
    [Range(0, 1_000_000)]
    public int RecentEvents { get; set; }

    /// <summary>Ends the request of a plain HTTP/1.1 stream at its start and writes to the socket instead of Kestrel's
    /// response, for less CPU and memory. Middleware, logs and metrics of requests no longer see the stream.</summary>
    /// <remarks>Needs Kestrel, and no <c>ConfigureEndpointDefaults</c> of the application's own, which replaces it. The
    /// connection ends with its stream.</remarks>
    public bool TakeOverConnections { get; set; }

    internal void CopyTo(StreamingOptions streaming)
    {
        streaming.Replica = Replica;
        streaming.MaxConnections = MaxStreams;
        streaming.MaxConnectionsPerClient = MaxStreamsPerClient;
        streaming.HeartbeatSeconds = HeartbeatSeconds;
        streaming.DeadSeconds = DeadSeconds;
        streaming.RetryMinMilliseconds = RetryMinMilliseconds;
        streaming.RetryMaxMilliseconds = RetryMaxMilliseconds;
        streaming.RecentEvents = RecentEvents;
        streaming.TakeOverConnections = TakeOverConnections;
    }
}
