namespace EventStore;

/// <summary>Times and sizes of the relay from the log to Redis. No key sets them; tests do.</summary>
internal sealed class RelayOptions
{
    /// <summary>Interval of the heartbeat, which carries the head.</summary>
    internal int HeartbeatMilliseconds { get; set; } = 1_000;

    /// <summary>Timeout of one publish on Redis. Receivers read missed events from the store.</summary>
    internal int PublishTimeoutMilliseconds { get; set; } = 1_000;

    /// <summary>Maximum bytes of data that an event is relayed with. Replicas that have readers for larger data read it
    /// from the store, so that it delays no other event.</summary>
    internal int MaxDataBytes { get; set; } = 64 * 1024;
}
