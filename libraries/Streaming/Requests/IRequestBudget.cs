using EventStore;

namespace Streaming.Requests;

/// <summary>Limits the memory of one client's requests, and the bytes that it sends. The host implements it.</summary>
internal interface IRequestBudget
{
    /// <summary>Starts an empty memory hold for this request. It is released when the response ends.</summary>
    IMemoryHold Hold(HttpContext context);

    /// <summary>Counts bytes that the work of an admitted request keeps after its response; never refuses. Dispose it
    /// when they are released.</summary>
    /// <param name="client">Key of the client (<see cref="Access.IStreamAccess.ClientOf"/>).</param>
    /// <param name="bytes">The bytes.</param>
    IDisposable Keep(string client, long bytes);

    /// <summary>Waits until the client may have a body of this size parsed, so that refused bodies cost it as much as
    /// accepted ones.</summary>
    /// <exception cref="InvalidRequestException">429: too many requests of the client are waiting; 401: its credential
    /// has expired since the request began.</exception>
    ValueTask AdmitAsync(HttpContext context, long bytes);

    /// <summary>Waits until a body of this size may be parsed; dispose the turn afterwards. Null: at once.</summary>
    ValueTask<IDisposable?> EnterParsingAsync(HttpContext context, long bytes);

    /// <summary>Waits before a large body is refused for its client's budgets. Sent again at once, the refused bodies
    /// alone would take the processors from other clients.</summary>
    ValueTask DelayRefusalAsync(HttpContext context);

    /// <summary>Waits until the client may publish these events. Bytes of the request's admitted body are not counted
    /// again.</summary>
    /// <exception cref="InvalidRequestException">As for <see cref="AdmitAsync"/>.</exception>
    ValueTask PublishAsync(HttpContext context, IReadOnlyList<NewEvent> events);
}

/// <summary>Memory that one request holds. Dispose it to release the memory before the response ends.</summary>
internal interface IMemoryHold : IDisposable
{
    /// <summary>Sets the number of bytes held.</summary>
    /// <exception cref="InvalidRequestException">429: over the client's limit; 503: over the limit of all
    /// clients.</exception>
    void Set(long bytes);
}
