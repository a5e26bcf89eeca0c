using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;
using Npgsql;

namespace EventStore.EntityFrameworkCore;

/// <summary>The last batch of a save, which writes the save's events.</summary>
internal sealed class OutboxBatch(
    DbContext context,
    WaitingEvents waiting,
    IReadOnlyList<OutboxEvent> events,
    IReadOnlyList<IUpdateEntry> changes
) : ModificationCommandBatch
{
    public override IReadOnlyList<IReadOnlyModificationCommand> ModificationCommands => [];

    public override bool RequiresTransaction => true;

    public override bool AreMoreBatchesExpected => false;

    public override bool TryAddCommand(IReadOnlyModificationCommand modificationCommand) => false;

    public override void Complete(bool moreBatchesExpected) { }

    public override void Execute(IRelationalConnection connection)
    {
        try
        {
            using var insert = Insert(connection);
            insert?.ExecuteNonQuery();
        }
        catch (NpgsqlException e)
        {
            throw Explained(e);
        }
    }

    public override async Task ExecuteAsync(
        IRelationalConnection connection,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            await using var insert = Insert(connection);
            if (insert is not null)
                await insert.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (NpgsqlException e)
        {
            throw Explained(e);
        }
    }

    /// <summary>Returns the command that writes the events, or null if the log is in memory.</summary>
    private NpgsqlBatch? Insert(IRelationalConnection connection)
    {
        var made = Make();
        if (waiting.MemoryLog is not null)
        {
            waiting.AddForMemory(made);
            return null;
        }

        var begun = (NpgsqlTransaction?)connection.CurrentTransaction?.GetDbTransaction();
        var insert = Outbox.Insert(
            (NpgsqlConnection)connection.DbConnection,
            begun,
            made,
            // Postgres cannot prepare a transaction that has notified, and an ambient one over two databases is
            // prepared.
            notifies: begun is not null && !waiting.WakesRelay
        );
        if (connection.CommandTimeout is { } seconds)
            insert.Timeout = seconds;
        waiting.HasPublished = true;
        return insert;
    }

    /// <summary>Returns the events, now that the changes are made and their keys are known.</summary>
    private List<NewEvent> Make()
    {
        using var generated = new GeneratedValues(changes);
        return [.. events.Select(published => published.Make())];
    }

    private Exception Explained(NpgsqlException error) =>
        StoreError.Mistake(error) is { } mistake
            ? new InvalidOperationException(
                $"{context.GetType().Name} cannot publish: its database must be that of AddEventStore. {mistake}",
                error
            )
            : new DbUpdateException("The events of the save could not be written: see the inner exception.", error);
}
