using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Adopter.Consumers;

/// <summary>The place of a consumer's last handled event. It is a concurrency token, so that a change commits only if
/// no other process has handled the event meanwhile.</summary>
public sealed class Checkpoint
{
    [Key]
    public required string Consumer { get; init; }

    [ConcurrencyCheck]
    public string? At { get; set; }
}

/// <summary>The effect of an event; one row each time it is handled.</summary>
public sealed class Sale
{
    public int Id { get; init; }
    public required string Order { get; init; }
    public required string By { get; init; }
}

public sealed class SalesDb(DbContextOptions<SalesDb> options) : DbContext(options)
{
    public DbSet<Checkpoint> Checkpoints => Set<Checkpoint>();
    public DbSet<Sale> Sales => Set<Sale>();
}

/// <summary>Ends a process's work at random points of a save: before it, before its commit, and after the
/// commit.</summary>
internal sealed class Killer(int kills) : SaveChangesInterceptor, IDbTransactionInterceptor
{
    private readonly Random _random = new(74);

    public int Left { get; private set; } = kills;

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default
    )
    {
        MayKill();
        return ValueTask.FromResult(result);
    }

    public ValueTask<InterceptionResult> TransactionCommittingAsync(
        System.Data.Common.DbTransaction transaction,
        TransactionEventData eventData,
        InterceptionResult result,
        CancellationToken cancellationToken = default
    )
    {
        MayKill();
        return ValueTask.FromResult(result);
    }

    public override ValueTask<int> SavedChangesAsync(
        SaveChangesCompletedEventData eventData,
        int result,
        CancellationToken cancellationToken = default
    )
    {
        MayKill();
        return ValueTask.FromResult(result);
    }

    private void MayKill()
    {
        if (Left == 0 || _random.Next(3) > 0)
            return;

        Left--;
        throw new KilledException();
    }
}

internal sealed class KilledException : Exception;
