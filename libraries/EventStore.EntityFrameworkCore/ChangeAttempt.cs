using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace EventStore.EntityFrameworkCore;

/// <summary>A strategy that runs a block once. Within it a context's own strategy, which may retry, allows the block to
/// begin a transaction.</summary>
internal sealed class ChangeAttempt(DbContext context)
    : ExecutionStrategy(context, maxRetryCount: 0, maxRetryDelay: TimeSpan.Zero)
{
    protected override bool ShouldRetryOn(Exception exception) => false;
}
