using System.Transactions;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EventStore.EntityFrameworkCore;

/// <summary>The events that a context tracks until they are saved. They share the fate of its changes: a failed save
/// keeps them, <c>ChangeTracker.Clear</c> and the return to a pool forget them.</summary>
internal sealed class WaitingEvents(ICurrentDbContext current) : IResettableService
{
    private readonly List<OutboxEvent> _tracked = [];

    /// <summary>Events for a log in memory, which gets them at the commit.</summary>
    private List<NewEvent> _committing = [];

    /// <summary>True if the transaction's owner calls <see cref="Outbox.WakeAsync"/> after its commit: a commit with a
    /// notification would make all others wait for a synchronous standby.</summary>
    public bool WakesRelay { get; set; }

    /// <summary>True once a save of the context has written events to the outbox.</summary>
    public bool HasPublished { get; set; }

    /// <summary>The application's log if it is in memory, or null if events go through the outbox.</summary>
    public IEventLog? MemoryLog { get; } = MemoryLogOf(current.Context);

    public void Add(OutboxEvent published)
    {
        published.LostWith = current.Context.Database.CurrentTransaction?.TransactionId;
        _tracked.Add(published);
        current.Context.Add(published);
    }

    /// <summary>Stops tracking the events that are saved.</summary>
    public void ForgetSaved()
    {
        foreach (var published in _tracked.Where(published => StateOf(published) == EntityState.Unchanged))
            current.Context.Entry(published).State = EntityState.Detached;
        _tracked.RemoveAll(published => StateOf(published) == EntityState.Detached);
    }

    /// <summary>Stops tracking the events that were published after this one.</summary>
    public void ForgetAfter(long number)
    {
        foreach (var published in _tracked.Where(published => published.Number > number))
            current.Context.Entry(published).State = EntityState.Detached;
        _tracked.RemoveAll(published => published.Number > number);
    }

    /// <exception cref="InvalidOperationException">An event was published in the transaction, and no save has written
    /// it.</exception>
    public void CheckCommit(Guid transaction)
    {
        var lost = _tracked.Count(published =>
            published.LostWith == transaction && StateOf(published) == EntityState.Added
        );
        if (lost > 0)
            throw new InvalidOperationException(
                $"{lost} events were published after the last save of the transaction, and would not commit with it: "
                    + "call SaveChangesAsync before the commit."
            );
    }

    public void AddForMemory(IEnumerable<NewEvent> events) => _committing.AddRange(events);

    /// <summary>Gives the log in memory what a save has published, unless a transaction goes on.</summary>
    public void Commit()
    {
        if (_committing.Count == 0 || current.Context.Database.CurrentTransaction is not null)
            return;

        if (Transaction.Current is not { } ambient)
            Committed();
        else
            ambient.TransactionCompleted += (_, ended) =>
            {
                if (ended.Transaction!.TransactionInformation.Status == TransactionStatus.Committed)
                    Committed();
            };
    }

    /// <summary>Gives the log in memory what the transaction has published.</summary>
    public void Committed()
    {
        var events = _committing;
        _committing = [];
        if (events.Count > 0)
            MemoryLog!.AppendAsync(events).GetAwaiter().GetResult();
    }

    public void TransactionStarted() => _committing.Clear();

    public void ResetState()
    {
        _tracked.Clear();
        _committing = [];
        WakesRelay = HasPublished = false;
    }

    public Task ResetStateAsync(CancellationToken cancellationToken = default)
    {
        ResetState();
        return Task.CompletedTask;
    }

    private EntityState StateOf(OutboxEvent published) => current.Context.Entry(published).State;

    private static IEventLog? MemoryLogOf(DbContext context) =>
        context.GetService<IDbContextOptions>().FindExtension<CoreOptionsExtension>()?.ApplicationServiceProvider
            is { } services
        && services.GetService<StoreMigrator>() is null
            ? services.GetService<IEventLog>()
            : null;
}
