namespace Streaming.Requests;

/// <summary>Turns of requests that read much of the store. The host decides how many read at once.</summary>
internal interface IReadTurns
{
    /// <summary>Waits for a turn of the request's client. Hold it while reading, not while the client takes the answer;
    /// dispose it to return it.</summary>
    /// <exception cref="EventStore.StoreUnavailableException">No turn became free in time.</exception>
    Task<IDisposable> EnterAsync(HttpContext context);

    /// <summary>Waits for a turn of work without a request, however long that takes.</summary>
    Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken);
}
