using Harness;
using Harness.Worlds;

namespace Reliability;

/// <summary>The ways of one service to its stores, which faults break.</summary>
internal sealed class StoreLinks(StorePair stores) : IAsyncDisposable
{
    public FaultyLink Postgres { get; } = new("127.0.0.1", stores.Postgres.Port);
    public FaultyLink Redis { get; } = new("127.0.0.1", stores.Redis.Port);

    public async ValueTask DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await Redis.DisposeAsync();
    }
}
