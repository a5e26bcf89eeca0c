using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Admission;

namespace Streaming.Requests;

/// <inheritdoc/>
internal sealed class ReadTurns(Gates gates, IClients clients, IOptions<EventStoreOptions> store) : IReadTurns
{
    private readonly TimeSpan _limit = TimeSpan.FromSeconds(store.Value.CommandTimeoutSeconds);

    public Task<IDisposable> EnterAsync(HttpContext context) =>
        EnterInTimeAsync(clients.ClientOf(context), context.RequestAborted);

    public Task<IDisposable> EnterInTimeAsync(string client, CancellationToken cancellationToken) =>
        gates.Reads.EnterAsync(client, _limit, cancellationToken).AsTask();

    public Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken) =>
        gates.Reads.EnterAsync(client, Timeout.InfiniteTimeSpan, cancellationToken).AsTask();
}
