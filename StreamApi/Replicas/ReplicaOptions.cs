using System.ComponentModel.DataAnnotations;

namespace StreamApi.Replicas;

/// <summary>Section <c>Replicas</c>.</summary>
internal sealed class ReplicaOptions
{
    /// <summary>
    /// Where the other replicas and the web frontend reach this one. Where nothing is said: what it listens on, and
    /// where that is every address of the
    /// machine, the one that leads to the store.
    /// </summary>
    [Url]
    public string? Url { get; set; }

    /// <summary>How often a replica says that it is there, in seconds.</summary>
    [Range(1, 60)]
    public int AnnounceSeconds { get; set; } = 2;

    /// <summary>A replica not heard of for so long is no longer listed, in seconds.</summary>
    [Range(2, 600)]
    public int ForgetSeconds { get; set; } = 8;

    /// <summary>For how long <c>?lost=true</c> tells of it then, in seconds.</summary>
    [Range(0, 86_400)]
    public int LostSeconds { get; set; } = 600;
}
