using System.Transactions;

namespace EventStore.EntityFrameworkCore;

/// <summary>Rolls an ambient transaction back that would commit without some of its events.</summary>
/// <param name="loss">Returns the reason, or null if nothing is lost.</param>
internal sealed class AmbientCommit(Func<InvalidOperationException?> loss) : IEnlistmentNotification
{
    public void Prepare(PreparingEnlistment preparingEnlistment)
    {
        if (loss() is { } reason)
            preparingEnlistment.ForceRollback(reason);
        else
            preparingEnlistment.Done();
    }

    public void Commit(Enlistment enlistment) => enlistment.Done();

    public void Rollback(Enlistment enlistment) => enlistment.Done();

    public void InDoubt(Enlistment enlistment) => enlistment.Done();
}
