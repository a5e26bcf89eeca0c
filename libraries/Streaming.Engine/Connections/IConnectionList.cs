namespace AspireSse;

/// <summary>The open streams of this process, to be shown and to be closed. Thread-safe.</summary>
/// <remarks>Needed to list or close the open streams of this process.</remarks>
public interface IConnectionList
{
    /// <summary>Reads all streams while the caller takes them, in no order: a stream that opens or ends meanwhile may
    /// be missing. Each 200 of them are followed by a pause of 10 ms, in which the process serves requests and
    /// events.</summary>
    IAsyncEnumerable<SseConnection> ReadAsync();

    /// <summary>Returns the numbers of this moment. The call costs the same with any number of streams.</summary>
    SseStats ReadStats();

    /// <summary>Closes a stream. Its client reconnects, and resumes. Returns false if this process has no such stream,
    /// and otherwise true, once its last byte was written.</summary>
    /// <param name="id">Its <see cref="SseConnection.Id"/>.</param>
    /// <param name="cancellationToken">Ends the wait; the stream is closed nevertheless.</param>
    Task<bool> CloseAsync(string id, CancellationToken cancellationToken = default);
}
