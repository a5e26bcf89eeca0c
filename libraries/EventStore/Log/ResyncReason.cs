namespace AspireSse;

/// <summary>The reason why a reader cannot go on after its last place, such as a stream after its client's last event
/// id.</summary>
/// <remarks>Needed to handle a <see cref="ResyncException"/>, to read <c>SseStats.Resyncs</c>, or to set
/// <c>StreamBounds.Resync</c>.</remarks>
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
