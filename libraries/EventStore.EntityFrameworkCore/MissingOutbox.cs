using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace EventStore.EntityFrameworkCore;

/// <summary>Explains that the context's database is not the event log's.</summary>
internal sealed class MissingOutbox : SaveChangesInterceptor
{
    public static MissingOutbox Instance { get; } = new();

    private MissingOutbox() { }

    public override void SaveChangesFailed(DbContextErrorEventData eventData) => Explain(eventData);

    public override Task SaveChangesFailedAsync(
        DbContextErrorEventData eventData,
        CancellationToken cancellationToken = default
    )
    {
        Explain(eventData);
        return Task.CompletedTask;
    }

    private static void Explain(DbContextErrorEventData failed)
    {
        if (
            failed.Exception.GetBaseException() is PostgresException { SqlState: var state } missing
            && state is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName
            && missing.MessageText.Contains("eventstore.outbox", StringComparison.Ordinal)
        )
            throw new InvalidOperationException(
                $"The database of {failed.Context?.GetType().Name} is not the event log's: it has no "
                    + "eventstore.outbox. Use the connection string of AddEventStore, after EnsureSchemaAsync.",
                failed.Exception
            );
    }
}
