using System.Data;
using Microsoft.EntityFrameworkCore;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Reads of state that a stream goes on from: <c>X-Sse-Position</c> is the head of the log in the same snapshot. A
/// change that is in the
/// state may still come as an event after it (its event enters the log a moment after the commit); none is missed.
/// </summary>
internal static class StateReads
{
    public static async Task<TResult> ReadStateAsync<T, TResult>(
        this IDbContextFactory<T> contexts,
        HttpContext http,
        Func<T, Task<TResult>> read
    )
        where T : EventContext
    {
        await using var context = await contexts.CreateDbContextAsync(http.RequestAborted);
        await using var snapshot = await context.Database.BeginTransactionAsync(
            IsolationLevel.RepeatableRead,
            http.RequestAborted
        );
        var position = await context
            .Database.SqlQuery<string>($"""select eventstore.epoch() || '-' || eventstore.head() as "Value" """)
            .SingleAsync(http.RequestAborted);
        var state = await read(context);
        await snapshot.CommitAsync(http.RequestAborted);
        http.Response.Headers["X-Sse-Position"] = position;
        return state;
    }
}
