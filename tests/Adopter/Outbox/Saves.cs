using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Adopter.Outbox;

/// <summary>Saves of a context, with or without waiting.</summary>
internal static class Saves
{
    public static async Task<int> SaveAsync(this DbContext db, bool sync) =>
        // ReSharper disable once MethodHasAsyncOverload
        sync ? db.SaveChanges() : await db.SaveChangesAsync(TestContext.Current.CancellationToken);
}

/// <summary>Loses the answer of the first commit.</summary>
internal sealed class LosesOneAnswer : DbTransactionInterceptor
{
    /// <summary>True if the commit itself is lost.</summary>
    public bool BeforeTheCommit { get; init; }

    public int Commits { get; private set; }

    public override InterceptionResult TransactionCommitting(
        DbTransaction transaction,
        TransactionEventData eventData,
        InterceptionResult result
    )
    {
        if (++Commits == 1 && BeforeTheCommit)
            throw Lost();
        return result;
    }

    public override ValueTask<InterceptionResult> TransactionCommittingAsync(
        DbTransaction transaction,
        TransactionEventData eventData,
        InterceptionResult result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(TransactionCommitting(transaction, eventData, result));

    public override void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData)
    {
        if (Commits == 1 && !BeforeTheCommit)
            throw Lost();
    }

    public override Task TransactionCommittedAsync(
        DbTransaction transaction,
        TransactionEndEventData eventData,
        CancellationToken cancellationToken = default
    )
    {
        TransactionCommitted(transaction, eventData);
        return Task.CompletedTask;
    }

    private static NpgsqlException Lost() => new("The connection broke off.", new IOException());
}
