using System.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace EventStore.EntityFrameworkCore;

/// <summary>Runs a change in a transaction, which goes on to its end even if nobody waits for it.</summary>
internal static class ChangeCommit
{
    /// <exception cref="TimeoutException">Postgres has not answered the save and the commit in time.</exception>
    public static async Task<T> RunAsync<TContext, T>(
        TContext context,
        Func<TContext, Task<T>> change,
        IsolationLevel isolation
    )
        where TContext : DbContext
    {
        IDbContextTransaction? transaction = null;
        T result;
        try
        {
            transaction = await context.Database.BeginTransactionAsync(isolation, CancellationToken.None);
            result = await change(context);
        }
        catch
        {
            await DisposeAsync(context, transaction);
            throw;
        }

        var ofConnection = (context.Database.GetDbConnection() as NpgsqlConnection)?.CommandTimeout ?? 0;
        var seconds = context.Database.GetCommandTimeout() ?? ofConnection;
        return await StoreAccess.WaitAsync(
            EndAsync(context, transaction, result),
            seconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds),
            CancellationToken.None
        );
    }

    private static async Task<T> EndAsync<T>(DbContext context, IDbContextTransaction transaction, T result)
    {
        try
        {
            var events = context.GetService<WaitingEvents>();
            events.WakesRelay = true;
            // No savepoint is needed: this save is the last work of the transaction.
            context.Database.AutoSavepointsEnabled = false;
            await context.SaveChangesAsync(CancellationToken.None);
            await CommitAsync(context, transaction);

            if (events.HasPublished)
                await Outbox.WakeAsync((NpgsqlConnection)context.Database.GetDbConnection());
            return result;
        }
        finally
        {
            await DisposeAsync(context, transaction);
        }
    }

    private static async Task DisposeAsync(DbContext context, IDbContextTransaction? transaction)
    {
        await using var owned = context;
        if (transaction is not null)
            await transaction.DisposeAsync();
    }

    /// <summary>Commits by <see cref="StoreTransactions.CommitAsync"/>, and tells interceptors of it as
    /// <see cref="RelationalTransaction"/> does.</summary>
    private static async Task CommitAsync(DbContext context, IDbContextTransaction transaction)
    {
        // A test's, with the log in memory.
        if (transaction.GetDbTransaction() is not NpgsqlTransaction committed)
        {
            await transaction.CommitAsync(CancellationToken.None);
            return;
        }

        var logger = context.GetService<IDiagnosticsLogger<DbLoggerCategory.Database.Transaction>>();
        var connection = context.GetService<IRelationalConnection>();
        var id = transaction.TransactionId;
        var start = DateTimeOffset.UtcNow;
        var clock = TimeProvider.System;
        var begun = clock.GetTimestamp();
        try
        {
            var committing = await logger.TransactionCommittingAsync(connection, committed, id, start);
            if (!committing.IsSuppressed)
                await StoreTransactions.CommitAsync(committed);
        }
        catch (Exception e)
        {
            await logger.TransactionErrorAsync(
                connection,
                committed,
                id,
                "Commit",
                e,
                start,
                clock.GetElapsedTime(begun)
            );
            if (e is PostgresException)
                throw new DbUpdateException(
                    "Postgres refused the commit, and stored nothing: see the inner exception.",
                    e
                );
            throw;
        }

        await logger.TransactionCommittedAsync(connection, committed, id, start, clock.GetElapsedTime(begun));
    }
}
