using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking.Internal;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;

#pragma warning disable EF1001 // Only the state manager sees a save without changes unless it is prevented.

namespace EventStore.EntityFrameworkCore;

/// <summary>Writes the events of a save that has no changes, for which Entity Framework does nothing. A save that an
/// interceptor prevents does not call it.</summary>
internal sealed class EventOnlyStateManager(StateManagerDependencies dependencies) : StateManager(dependencies)
{
    public override int SaveChanges(bool acceptAllChangesOnSuccess)
    {
        PendingEvents.Find(Context)?.BeginSave();
        var rows = base.SaveChanges(acceptAllChangesOnSuccess);

        if (AreLeft)
            Context
                .Database.CreateExecutionStrategy()
                .Execute(() =>
                    Context.GetService<IBatchExecutor>().Execute([], Context.GetService<IRelationalConnection>())
                );

        return rows;
    }

    public override async Task<int> SaveChangesAsync(
        bool acceptAllChangesOnSuccess,
        CancellationToken cancellationToken = default
    )
    {
        PendingEvents.Find(Context)?.BeginSave();
        var rows = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);

        if (AreLeft)
            await Context
                .Database.CreateExecutionStrategy()
                .ExecuteAsync(
                    stop =>
                        Context
                            .GetService<IBatchExecutor>()
                            .ExecuteAsync([], Context.GetService<IRelationalConnection>(), stop),
                    cancellationToken
                );

        return rows;
    }

    /// <summary>True if the events are not written yet, because the save had no changes.</summary>
    private bool AreLeft => PendingEvents.Find(Context) is { AreWritten: false } events && events.ToWrite().Count > 0;
}
