using System.ComponentModel.DataAnnotations;

namespace StreamApi.Replicas;

/// <summary>Options of the replica directory; section <c>Replicas</c>.</summary>
internal sealed class ReplicaOptions
{
    /// <summary>Address at which other replicas and the frontend reach this one. Default: the address it listens on;
    /// for a wildcard, the machine's on the route to Postgres.</summary>
    [Url]
    public string? Url { get; set; }

    /// <summary>Seconds without an announcement after which a replica is no longer listed.</summary>
    internal int ForgetSeconds { get; set; } = 8;

    /// <summary>Seconds between the announcements of a replica: three may fail before it is no longer listed.</summary>
    internal double AnnounceSeconds => ForgetSeconds / 4.0;
}
