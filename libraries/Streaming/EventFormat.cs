namespace Streaming;

/// <summary>The form in which a stream shows an event.</summary>
public enum EventFormat
{
    /// <summary>The type as <c>event</c> and the data as <c>data</c>: for <c>addEventListener</c>.</summary>
    Named,

    /// <summary>The data alone, for clients that have only <c>onmessage</c>.</summary>
    Messages,

    /// <summary>The data is the whole event: id, topic, type, key, time and data.</summary>
    Envelope,
}
