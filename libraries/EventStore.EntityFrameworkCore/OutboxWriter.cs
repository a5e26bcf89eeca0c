using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;
using Microsoft.EntityFrameworkCore.Update.Internal;

#pragma warning disable EF1001 // Only the batch executor begins and ends a save's transaction, with its savepoint.

namespace EventStore.EntityFrameworkCore;

/// <summary>Writes a context's events after its changes, in the same transaction, which is the caller's or the save's
/// own. An execution strategy repeats the changes and the events.</summary>
internal sealed class OutboxWriter(ICurrentDbContext current, IDiagnosticsLogger<DbLoggerCategory.Update> logger)
    : BatchExecutor(current, logger)
{
    private DatabaseFacade Database => CurrentContext.Context.Database;

    public override int Execute(IEnumerable<ModificationCommandBatch> commandBatches, IRelationalConnection connection)
    {
        if (PendingEvents.Find(CurrentContext.Context) is not { } events || events.ToWrite() is not [_, ..] written)
            return base.Execute(commandBatches, connection);

        var behavior = Database.AutoTransactionBehavior;
        Database.AutoTransactionBehavior = AutoTransactionBehavior.Always;
        try
        {
            var rows = base.Execute(commandBatches.Append(Batch(written)), connection);
            events.MarkWritten(written);
            return rows;
        }
        finally
        {
            Database.AutoTransactionBehavior = behavior;
        }
    }

    public override async Task<int> ExecuteAsync(
        IEnumerable<ModificationCommandBatch> commandBatches,
        IRelationalConnection connection,
        CancellationToken cancellationToken = default
    )
    {
        if (PendingEvents.Find(CurrentContext.Context) is not { } events || events.ToWrite() is not [_, ..] written)
            return await base.ExecuteAsync(commandBatches, connection, cancellationToken);

        var behavior = Database.AutoTransactionBehavior;
        Database.AutoTransactionBehavior = AutoTransactionBehavior.Always;
        try
        {
            var rows = await base.ExecuteAsync(commandBatches.Append(Batch(written)), connection, cancellationToken);
            events.MarkWritten(written);
            return rows;
        }
        finally
        {
            Database.AutoTransactionBehavior = behavior;
        }
    }

    private OutboxBatch Batch(IReadOnlyList<NewEvent> written) => new(CurrentContext.Context, written);
}
