using EventStore;

namespace Streaming.Requests;

/// <summary>Bounds what the requests of one client hold and publish. The host implements it.</summary>
internal interface IRequestBudget
{
    /// <summary>The memory that this request holds, given back with its answer; nothing yet.</summary>
    IMemoryHold Hold(HttpContext context);

    /// <summary>Waits until the client may publish these events.</summary>
    /// <exception cref="InvalidRequestException">429: too many wait already.</exception>
    ValueTask PublishAsync(HttpContext context, IReadOnlyList<NewEvent> events);
}

/// <summary>Bytes that one request holds.</summary>
internal interface IMemoryHold
{
    /// <summary>Holds this many bytes from now on.</summary>
    /// <exception cref="InvalidRequestException">429: more than the client may hold; 503: more than all clients
    /// may.</exception>
    void Set(long bytes);
}
