namespace AspireSse;

/// <summary>The reason why a stream cannot resume after a client's last event id.</summary>
/// <remarks>Needed to read <see cref="SseStats.Resyncs"/>, or to set <c>StreamBounds.Resync</c>.</remarks>
public enum ResyncReason
{
    /// <summary>Retention has deleted events after the id.</summary>
    Expired,

    /// <summary>The id belongs to another history: the store was reset, restored or promoted.</summary>
    Epoch,

    /// <summary>The id is beyond the head.</summary>
    Future,

    /// <summary>The text is not an id.</summary>
    Malformed,
}
