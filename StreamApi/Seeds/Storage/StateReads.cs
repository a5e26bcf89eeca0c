using System.Data;
using EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Reads state together with the head of the log in one snapshot, sent as <c>X-Sse-Position</c>. A stream from that
/// position misses no change, but may repeat one that the state already contains.
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
            CancellationToken.None
        );
        var position = await LogSnapshot.HeadAsync(
            (NpgsqlConnection)context.Database.GetDbConnection(),
            (NpgsqlTransaction)snapshot.GetDbTransaction()
        );
        var state = await read(context);
        await snapshot.CommitAsync(CancellationToken.None);
        http.Response.Headers["X-Sse-Position"] = position.ToString();
        return state;
    }
}
