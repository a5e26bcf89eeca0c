namespace Streaming.Requests;

/// <summary>Turns of requests that read much of the store.</summary>
internal interface IReadTurns
{
    /// <summary>Waits for a turn of the request's client. Hold it while reading, not while the client takes the answer;
    /// dispose it to return it.</summary>
    /// <exception cref="Admission.RefusedException">No turn became free in time, or too many wait.</exception>
    Task<IDisposable> EnterAsync(HttpContext context);

    /// <summary>Waits for a turn of a client.</summary>
    /// <exception cref="Admission.RefusedException">As above.</exception>
    Task<IDisposable> EnterInTimeAsync(string client, CancellationToken cancellationToken);

    /// <summary>Waits for a turn of work without a request, however long that takes.</summary>
    Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken);
}
