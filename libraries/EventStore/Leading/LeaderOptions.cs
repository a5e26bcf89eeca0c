using System.ComponentModel.DataAnnotations;

namespace EventStore;

/// <summary>Options of the process that leads, section <c>Relay</c>.</summary>
internal sealed class LeaderOptions : IValidatableObject
{
    /// <summary>The name of this process in the lease and in logs.</summary>
    internal string Name { get; set; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>Lifetime of the lease without renewal, after which a killed or frozen leader is replaced.</summary>
    [Range(500, 60_000)]
    public int LeaseMilliseconds { get; set; } = 2_000;

    /// <summary>Interval at which the leader renews the lease and a standby tries to take it.</summary>
    [Range(50, 30_000)]
    public int RenewMilliseconds { get; set; } = 500;

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
