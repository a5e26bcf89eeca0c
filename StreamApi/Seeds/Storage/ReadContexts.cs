using EventStore;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Contexts on the connections for clients' reads (<see cref="StorePool.Reads"/>): rows come by an index, whatever the
/// statistics, and a read takes no connection from changes.
/// </summary>
internal sealed class ReadContexts<T>(
    IDbContextFactory<T> contexts,
    [FromKeyedServices(StorePool.Reads)] NpgsqlDataSource reads
) : IDbContextFactory<T>
    where T : EventContext
{
    public T CreateDbContext()
    {
        var context = contexts.CreateDbContext();
        context.Database.SetDbConnection(reads.CreateConnection(), contextOwnsConnection: true);
        return context;
    }
}
