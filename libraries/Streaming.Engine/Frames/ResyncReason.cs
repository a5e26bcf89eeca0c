namespace AspireSse;

/// <summary>Why a stream cannot resume after a client's last event id.</summary>
public enum ResyncReason
{
    /// <summary>Retention has deleted events after the id.</summary>
    Expired,

    /// <summary>The id belongs to another history: the store was reset, restored or promoted.</summary>
    Epoch,

    /// <summary>The id is beyond the head.</summary>
    Future,

    /// <summary>It is no id.</summary>
    Malformed,
}
