using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Transactions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace EventStore.EntityFrameworkCore;

/// <summary>The events that a context tracks until they are saved. They share the fate of its changes: a failed save
/// keeps them, <c>ChangeTracker.Clear</c> and the return to a pool forget them.</summary>
internal sealed class WaitingEvents(ICurrentDbContext current)
    : SaveChangesInterceptor,
        IDbTransactionInterceptor,
        IResettableService
{
    /// <summary>The contexts that have published in a transaction, since several may share one.</summary>
    private static readonly ConditionalWeakTable<
        DbTransaction,
        ConditionalWeakTable<WaitingEvents, object>
    > Publishers = [];

    private readonly List<OutboxEvent> _tracked = [];
    private ChangeTracker? _tracker;
    private Transaction? _ambient;

    /// <summary>Events for a log in memory, which gets them at the commit.</summary>
    private List<NewEvent> _committing = [];

    /// <summary>True if the transaction's owner calls <see cref="Outbox.WakeAsync"/> after its commit: a commit with a
    /// notification would make all others wait for a synchronous standby.</summary>
    public bool WakesRelay { get; set; }

    /// <summary>True once a save of the context has written events to the outbox.</summary>
    public bool HasPublished { get; set; }

    /// <summary>The application's log if it is in memory, or null if events go through the outbox.</summary>
    public IEventLog? MemoryLog =>
        Context.GetService<IDbContextOptions>().FindExtension<CoreOptionsExtension>()?.ApplicationServiceProvider
            is { } services
        && services.GetService<StoreMigrator>() is null
            ? services.GetService<IEventLog>()
            : null;

    private DbContext Context => current.Context;

    public void Add(OutboxEvent published)
    {
        _tracked.Add(published);
        Context.Add(published);
        _tracker = Context.ChangeTracker;
        var database = Context.Database;
        if (database.CurrentTransaction?.GetDbTransaction() is { } begun)
        {
            published.LostWith = begun;
            Publishers.GetOrCreateValue(begun).AddOrUpdate(this, this);
        }
        else if ((database.GetEnlistedTransaction() ?? Transaction.Current) is { } ambient)
        {
            published.LostWith = ambient;
            // Asked before the databases, whose single connection then still needs no two phases.
            if (_ambient != ambient)
                ambient.EnlistVolatile(
                    new AmbientCommit(() => Loss(LostWith(ambient))),
                    EnlistmentOptions.EnlistDuringPrepareRequired
                );
            _ambient = ambient;
        }
    }

    /// <summary>Forgets the events that were published after this one.</summary>
    public void ForgetAfter(long number) => Forget(published => published.Number > number);

    public void AddForMemory(IEnumerable<NewEvent> events) => _committing.AddRange(events);

    /// <summary>Notes the events that a save has written, and gives them to a log in memory unless a transaction goes
    /// on.</summary>
    public void EndSave(IEnumerable<OutboxEvent> written)
    {
        foreach (var published in written)
            published.LostWith = null;
        if (_committing.Count == 0 || Context.Database.CurrentTransaction is not null)
            return;

        if (Transaction.Current is not { } ambient)
            AppendToMemory();
        else
            ambient.TransactionCompleted += (_, ended) =>
            {
                if (ended.Transaction!.TransactionInformation.Status == TransactionStatus.Committed)
                    AppendToMemory();
            };
    }

    public override int SavedChanges(SaveChangesCompletedEventData eventData, int result)
    {
        Forget(published => StateOf(published) == EntityState.Unchanged);
        return result;
    }

    public override ValueTask<int> SavedChangesAsync(
        SaveChangesCompletedEventData eventData,
        int result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(SavedChanges(eventData, result));

    public DbTransaction TransactionStarted(DbConnection connection, TransactionEndEventData data, DbTransaction result)
    {
        _committing.Clear();
        // Npgsql gives each transaction of a connection the same object.
        Publishers.Remove(result);
        return result;
    }

    public ValueTask<DbTransaction> TransactionStartedAsync(
        DbConnection connection,
        TransactionEndEventData data,
        DbTransaction result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(TransactionStarted(connection, data, result));

    /// <exception cref="InvalidOperationException">An event was published in the transaction, by whichever context, and
    /// no save has written it.</exception>
    public InterceptionResult TransactionCommitting(
        DbTransaction transaction,
        TransactionEventData data,
        InterceptionResult result
    )
    {
        var contexts = Publishers.TryGetValue(transaction, out var known) ? known.Select(context => context.Key) : [];
        return Loss(contexts.Sum(context => context.LostWith(transaction))) is { } loss ? throw loss : result;
    }

    public ValueTask<InterceptionResult> TransactionCommittingAsync(
        DbTransaction transaction,
        TransactionEventData data,
        InterceptionResult result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(TransactionCommitting(transaction, data, result));

    public void TransactionCommitted(DbTransaction transaction, TransactionEndEventData data) => AppendToMemory();

    public Task TransactionCommittedAsync(
        DbTransaction transaction,
        TransactionEndEventData data,
        CancellationToken cancellationToken = default
    )
    {
        AppendToMemory();
        return Task.CompletedTask;
    }

    public void ResetState()
    {
        _tracked.Clear();
        _ambient = null;
        _committing = [];
        WakesRelay = HasPublished = false;
    }

    public Task ResetStateAsync(CancellationToken cancellationToken = default)
    {
        ResetState();
        return Task.CompletedTask;
    }

    /// <summary>Returns the number of events that were published in a transaction and wait for a save. The context may
    /// be disposed.</summary>
    private int LostWith(object transaction) =>
        _tracker!
            .Entries<OutboxEvent>()
            .Count(published => published.State == EntityState.Added && transaction.Equals(published.Entity.LostWith));

    private static InvalidOperationException? Loss(int events) =>
        events == 0
            ? null
            : new InvalidOperationException(
                $"{events} events were published after the last save of the transaction, and would not commit with it: "
                    + "call SaveChangesAsync before the commit."
            );

    private EntityState StateOf(OutboxEvent published) => Context.Entry(published).State;

    private void Forget(Func<OutboxEvent, bool> isForgotten)
    {
        foreach (var published in _tracked.Where(isForgotten))
            Context.Entry(published).State = EntityState.Detached;
        _tracked.RemoveAll(published => StateOf(published) == EntityState.Detached);
    }

    private void AppendToMemory()
    {
        var events = _committing;
        _committing = [];
        // A log in memory appends at once.
        if (events.Count > 0)
            MemoryLog!.AppendAsync(events).GetAwaiter().GetResult();
    }
}
