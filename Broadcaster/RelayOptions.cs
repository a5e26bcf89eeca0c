using System.ComponentModel.DataAnnotations;

namespace Broadcaster;

/// <summary>Section <c>Relay</c>.</summary>
internal sealed class RelayOptions : IValidatableObject
{
    /// <summary>How long the lease lasts without renewal: a leader that is killed or frozen is replaced after
    /// this.</summary>
    [Range(500, 60_000)]
    public int LeaseMilliseconds { get; set; } = 2_000;

    /// <summary>How often the leader renews, and a spare asks.</summary>
    [Range(50, 30_000)]
    public int RenewMilliseconds { get; set; } = 500;

    /// <summary>How often the head is published although nothing happened.</summary>
    [Range(100, 60_000)]
    public int HeartbeatMilliseconds { get; set; } = 1_000;

    /// <summary>How long one publish on Redis may take before it is given up; receivers repair what they miss from the
    /// store.</summary>
    [Range(50, 30_000)]
    public int PublishTimeoutMilliseconds { get; set; } = 1_000;

    /// <summary>Most bytes of data that an event is relayed with. Those of a larger one stay in the store, where the
    /// replicas read them that have readers for it:
    /// all others would wait while they pass through here, Redis and every replica.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxDataBytes { get; set; } = 64 * 1024;

    /// <summary>Most outbox rows moved at once.</summary>
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
