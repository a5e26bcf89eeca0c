using System.ComponentModel.DataAnnotations;

namespace Broadcaster;

/// <summary>Options of the Broadcaster, section <c>Relay</c>.</summary>
internal sealed class RelayOptions : IValidatableObject
{
    /// <summary>Lifetime of the lease without renewal, after which a killed or frozen leader is replaced.</summary>
    [Range(500, 60_000)]
    public int LeaseMilliseconds { get; set; } = 2_000;

    /// <summary>Interval at which the leader renews the lease and a standby tries to take it.</summary>
    [Range(50, 30_000)]
    public int RenewMilliseconds { get; set; } = 500;

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

    /// <summary>Maximum outbox rows moved at once.</summary>
    [Range(1, 10_000)]
    public int OutboxBatch { get; set; } = 500;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (RenewMilliseconds * 2 > LeaseMilliseconds)
            yield return new ValidationResult(
                "Relay:RenewMilliseconds must be at most half of Relay:LeaseMilliseconds.",
                [nameof(RenewMilliseconds)]
            );
    }
}
