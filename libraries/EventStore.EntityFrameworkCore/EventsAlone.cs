using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;

namespace EventStore.EntityFrameworkCore;

/// <summary>Writes the events of a save that has no changes, for which Entity Framework does nothing.</summary>
internal sealed class EventsAlone : SaveChangesInterceptor
{
    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
    {
        PendingEvents.Find(eventData.Context)?.BeginSave();
        return result;
    }

    public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData,
        InterceptionResult<int> result,
        CancellationToken cancellationToken = default
    ) => ValueTask.FromResult(SavingChanges(eventData, result));

    public override int SavedChanges(SaveChangesCompletedEventData eventData, int result)
    {
        if (eventData.Context is { } context && AreDue(context))
            context
                .Database.CreateExecutionStrategy()
                .Execute(() =>
                    context.GetService<IBatchExecutor>().Execute([], context.GetService<IRelationalConnection>())
                );

        return result;
    }

    public override async ValueTask<int> SavedChangesAsync(
        SaveChangesCompletedEventData eventData,
        int result,
        CancellationToken cancellationToken = default
    )
    {
        if (eventData.Context is { } context && AreDue(context))
            await context
                .Database.CreateExecutionStrategy()
                .ExecuteAsync(
                    stop =>
                        context
                            .GetService<IBatchExecutor>()
                            .ExecuteAsync([], context.GetService<IRelationalConnection>(), stop),
                    cancellationToken
                );

        return result;
    }

    /// <summary>Returns false if the changes were saved with the events, or an interceptor has prevented the
    /// save.</summary>
    private static bool AreDue(DbContext context) =>
        PendingEvents.Find(context) is { AreWritten: false } events
        && events.ToWrite().Count > 0
        && !context.ChangeTracker.HasChanges();
}
