using EventStore;
using Streaming.Admission;

namespace Streaming.Requests;

/// <summary>Limits the memory of one client's requests, and the bytes that it sends.</summary>
internal interface IRequestBudget
{
    /// <summary>Starts an empty memory hold for this request. It is released when the response ends.</summary>
    IMemoryHold Hold(HttpContext context);

    /// <summary>Counts bytes that the work of an admitted request keeps after its response; never refuses. Dispose it
    /// when they are released.</summary>
    /// <param name="client">The client, a user.</param>
    /// <param name="bytes">The bytes.</param>
    IDisposable Keep(string client, long bytes);

    /// <summary>Charges the client for a body, whether it is accepted or not, and waits for a turn to parse it if it is
    /// large or beyond the client's rate. Dispose the turn afterwards; null: none was needed.</summary>
    /// <exception cref="RefusedException">Too many bodies wait.</exception>
    /// <exception cref="InvalidRequestException">401: the credential has expired since the request began.</exception>
    ValueTask<IDisposable?> EnterParsingAsync(HttpContext context, long bytes);

    /// <summary>Charges the client for a part of a long body, and waits for a turn to work on it if it is beyond the
    /// client's rate. Dispose the turn afterwards; null: none was needed.</summary>
    /// <param name="context">The request.</param>
    /// <param name="kilobytes">The part.</param>
    /// <param name="isLong">True if others would feel the work on it, so that it has to keep the rate.</param>
    /// <exception cref="RefusedException">Too many requests wait.</exception>
    ValueTask<IDisposable?> EnterPartAsync(HttpContext context, long kilobytes, bool isLong);

    /// <summary>Charges the client for events that it publishes, beyond the bytes of the request's body.</summary>
    void Charge(HttpContext context, IReadOnlyList<NewEvent> events);

    /// <summary>Charges the client for work that it has caused.</summary>
    void Charge(ClientKey client, long kilobytes);
}

/// <summary>Memory that one request holds. Dispose it to release the memory before the response ends.</summary>
internal interface IMemoryHold : IDisposable
{
    /// <summary>Sets the number of bytes held.</summary>
    /// <exception cref="RefusedException">429: above an equal share; 503: over the limit of all clients.</exception>
    void Set(long bytes);
}
