using System.ComponentModel.DataAnnotations;

namespace EventStore;

/// <summary>Options of the process that leads, section <c>AspireSse:Relay</c>.</summary>
internal sealed class LeaderOptions
{
    /// <summary>The name of this process in logs, and in the lease before a random part.</summary>
    internal string Name { get; set; } = $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>Lifetime of the lease without renewal, after which a killed or frozen leader is replaced.</summary>
    [Range(500, 60_000)]
    public int LeaseMilliseconds { get; set; } = 2_000;

    /// <summary>Interval at which the leader renews the lease and a standby tries to take it: three renewals may be
    /// late before another leads.</summary>
    internal int RenewMilliseconds
    {
        get => field > 0 ? field : LeaseMilliseconds / 4;
        set;
    }

    /// <summary>Maximum outbox rows moved at once.</summary>
    internal int OutboxBatch { get; set; } = 500;
}
