using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;

namespace EventStore.EntityFrameworkCore;

/// <summary>Writes a context's events after its changes, in the same transaction, which is the caller's or the save's
/// own. An execution strategy repeats the changes and the events.</summary>
internal sealed class OutboxDatabase(
    DatabaseDependencies dependencies,
    RelationalDatabaseDependencies relationalDependencies,
    ICurrentDbContext current,
    WaitingEvents waiting
) : RelationalDatabase(dependencies, relationalDependencies)
{
    public override int SaveChanges(IList<IUpdateEntry> entries)
    {
        if (EventsOf(entries) is not [_, ..] events)
            return base.SaveChanges(entries);

        using var transaction = new SaveTransaction(current.Context.Database);
        var rows = RelationalDependencies.BatchExecutor.Execute(
            Batches(entries, events),
            RelationalDependencies.Connection
        );
        waiting.EndSave(events);
        return rows;
    }

    public override async Task<int> SaveChangesAsync(
        IList<IUpdateEntry> entries,
        CancellationToken cancellationToken = default
    )
    {
        if (EventsOf(entries) is not [_, ..] events)
            return await base.SaveChangesAsync(entries, cancellationToken);

        using var transaction = new SaveTransaction(current.Context.Database);
        var rows = await RelationalDependencies.BatchExecutor.ExecuteAsync(
            Batches(entries, events),
            RelationalDependencies.Connection,
            cancellationToken
        );
        waiting.EndSave(events);
        return rows;
    }

    private static List<OutboxEvent> EventsOf(IList<IUpdateEntry> entries) =>
        [
            .. entries
                .Where(entry => entry.EntityType.ClrType == typeof(OutboxEvent))
                .Select(entry => (OutboxEvent)entry.ToEntityEntry().Entity)
                .OrderBy(published => published.Number),
        ];

    private IEnumerable<ModificationCommandBatch> Batches(IList<IUpdateEntry> entries, List<OutboxEvent> events)
    {
        List<IUpdateEntry> changes = [.. entries.Where(entry => entry.EntityType.ClrType != typeof(OutboxEvent))];
        return RelationalDependencies
            .BatchPreparer.BatchCommands(changes, Dependencies.UpdateAdapterFactory.Create())
            .Append(new OutboxBatch(current.Context, waiting, events, changes));
    }

    /// <summary>The transaction that each save with events has, even if it is one statement.</summary>
    private readonly struct SaveTransaction : IDisposable
    {
        private readonly DatabaseFacade _database;
        private readonly AutoTransactionBehavior _behavior;

        public SaveTransaction(DatabaseFacade database)
        {
            _database = database;
            _behavior = database.AutoTransactionBehavior;
            database.AutoTransactionBehavior = AutoTransactionBehavior.Always;
        }

        public void Dispose() => _database.AutoTransactionBehavior = _behavior;
    }
}
