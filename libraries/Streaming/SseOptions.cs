using System.ComponentModel.DataAnnotations;

namespace AspireSse;

/// <summary>Settings of the streams that <see cref="Microsoft.Extensions.Hosting.SseExtensions.AddSse"/>
/// adds.</summary>
public class SseOptions
{
    private protected SseOptions() { }

    /// <summary>Maximum open streams of this process. Further new ones get 503.</summary>
    /// <remarks>A tenth more is kept for clients that resume.</remarks>
    [Range(1, 1_000_000)]
    public int MaxConnections { get; set; } = 20_000;

    /// <summary>Maximum open streams of one user, or of one address without a user (429), once half of all are taken;
    /// twice as many with resumes. 0: unlimited.</summary>
    /// <remarks>
    /// Null, the default, is unlimited too, unless the host has a default of its own. A resuming client's former
    /// streams may still count as open. Behind a proxy that forwards no addresses, all anonymous clients are one.
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

    /// <summary>Seconds after which a stream is ended and its client asked to reconnect: the credential, the policy and
    /// the endpoint's own code then decide again. 0: never.</summary>
    /// <remarks>Null, the default, is 1,800 for callers who have signed in, so that a key that was withdrawn reads no
    /// longer, and never for others; the host may have a default of its own. A load balancer that moves only new
    /// connections needs one for all.</remarks>
    [Range(0, 30 * 86_400)]
    public int? MaxAgeSeconds { get; set; }

    /// <summary>Shortest reconnection time in milliseconds. Each client's is drawn at random from it to three times as
    /// much, so that clients do not return all at once.</summary>
    [Range(0, 200_000)]
    public int RetryMilliseconds { get; set; } = 1_000;

    /// <summary>Shortest reconnection time in milliseconds that a stream ends with when this process stops; each
    /// client's is up to twice <see cref="RetryMilliseconds"/> more. Where no other process stands in while it starts
    /// again, choose the time of a restart: Firefox gives up for ever after one attempt that is refused, and every
    /// browser after a proxy's 502.</summary>
    /// <remarks>Null, the default, is 5,000, Firefox's own reconnection time; the host may have a default of its own:
    /// with other replicas behind the address, <see cref="RetryMilliseconds"/>.</remarks>
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
}
