namespace AspireSse;

/// <summary>The form in which a stream shows an event.</summary>
/// <remarks>Needed by a stream whose clients have only <c>onmessage</c>, or read an event's topic, key and
/// time.</remarks>
public enum EventFormat
{
    /// <summary>The type as <c>event</c> and the data as <c>data</c>: for <c>addEventListener</c>.</summary>
    Named,

    /// <summary>The data alone, for clients that have only <c>onmessage</c>.</summary>
    Messages,

    /// <summary>The data is the whole event: id, topic, type, key, time and data.</summary>
    Envelope,

    /// <summary>The data with the type in its member <c>event</c>, <c>type</c> or <c>status</c>, otherwise in an added
    /// <c>type</c>: for <c>onmessage</c> with several types.</summary>
    TypedMessages,
}
