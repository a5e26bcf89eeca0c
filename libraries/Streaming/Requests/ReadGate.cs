using Microsoft.Extensions.Options;
using Streaming.Admission;

namespace Streaming.Requests;

/// <summary>Turns of requests that read much of the store.</summary>
internal sealed class ReadGate(Gates gates, IStreamAccess access, IOptions<EventStoreOptions> store)
{
    private readonly TimeSpan _limit = TimeSpan.FromSeconds(store.Value.CommandTimeoutSeconds);

    /// <summary>Waits for a turn; hold it while reading, not while the client takes the answer.</summary>
    /// <exception cref="RefusedException">No turn became free in time, or too many requests wait.</exception>
    public Task<IDisposable> EnterAsync(HttpContext context) =>
        EnterInTimeAsync(access.ClientOf(context), context.RequestAborted);

    /// <exception cref="RefusedException">As above.</exception>
    public Task<IDisposable> EnterInTimeAsync(string client, CancellationToken cancellationToken) =>
        gates.Reads.EnterAsync(client, _limit, cancellationToken).AsTask();

    /// <summary>Waits for a turn of work without a request, however long that takes.</summary>
    public Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken) =>
        gates.Reads.EnterAsync(client, Timeout.InfiniteTimeSpan, cancellationToken).AsTask();
}
