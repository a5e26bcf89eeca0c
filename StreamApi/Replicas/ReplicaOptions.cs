using System.ComponentModel.DataAnnotations;

namespace StreamApi.Replicas;

/// <summary>Options of the replica directory; section <c>Replicas</c>.</summary>
internal sealed class ReplicaOptions : IValidatableObject
{
    /// <summary>Address at which other replicas and the frontend reach this one. Default: the address it listens on;
    /// for a wildcard, the machine's on the route to Postgres.</summary>
    [Url]
    public string? Url { get; set; }

    /// <summary>Seconds between the announcements of a replica.</summary>
    [Range(1, 60)]
    public int AnnounceSeconds { get; set; } = 2;

    /// <summary>Seconds without an announcement after which a replica is no longer listed.</summary>
    [Range(2, 600)]
    public int ForgetSeconds { get; set; } = 8;

    /// <summary>Seconds for which <c>GET /v1/replicas?lost=true</c> lists a replica that is no longer listed
    /// otherwise.</summary>
    [Range(0, 86_400)]
    public int LostSeconds { get; set; } = 600;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (ForgetSeconds < 2 * AnnounceSeconds)
            yield return new ValidationResult(
                "Replicas:ForgetSeconds must be at least twice Replicas:AnnounceSeconds, or replicas that run are not "
                    + "listed between two announcements.",
                [nameof(ForgetSeconds)]
            );
    }
}
