using System.ComponentModel.DataAnnotations;

namespace EventStore;

/// <summary>Options of the relay from the log to Redis, section <c>Relay</c>.</summary>
internal sealed class RelayOptions
{
    /// <summary>Interval of the heartbeat, which carries the head.</summary>
    [Range(100, 60_000)]
    public int HeartbeatMilliseconds { get; set; } = 1_000;

    /// <summary>Timeout of one publish on Redis. Receivers read missed events from the store.</summary>
    [Range(50, 30_000)]
    public int PublishTimeoutMilliseconds { get; set; } = 1_000;

    /// <summary>Maximum bytes of data that an event is relayed with. Larger data stays in the store for the replicas
    /// that have readers for it, so that it delays no other event.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxDataBytes { get; set; } = 64 * 1024;
}
