using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>Rows of a table that are deleted some time after they have ended.</summary>
/// <param name="store">The database.</param>
/// <param name="table">Schema and table name.</param>
/// <param name="ended">Condition of rows that have ended.</param>
/// <param name="changedAt">Column with the time of the last change; an index leads to the oldest ended rows.</param>
/// <param name="days">Age in days after which they are deleted; 0: never.</param>
/// <param name="clock">The clock of the column.</param>
internal class EndedRows(
    NpgsqlDataSource store,
    string table,
    string ended,
    string changedAt,
    int days,
    TimeProvider clock
)
{
    public string Table => table;

    /// <summary>Deletes the oldest, at most a number of them, and returns how many it has deleted.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<int> DeleteAsync(int most, CancellationToken cancellationToken) =>
        days == 0
            ? Task.FromResult(0)
            : DeleteAsync(clock.GetUtcNow() - TimeSpan.FromDays(days), most, cancellationToken);

    protected virtual Task<int> DeleteAsync(DateTimeOffset before, int most, CancellationToken cancellationToken) =>
        DeleteAsync(
            $"{ended} and {changedAt} < $1",
            command => command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before }),
            most,
            cancellationToken
        );

    /// <param name="condition">Condition of the rows, with parameters.</param>
    /// <param name="parameters">Adds the parameters.</param>
    /// <param name="most">Maximum rows.</param>
    /// <param name="cancellationToken">Ends the wait, not the command.</param>
    protected Task<int> DeleteAsync(
        string condition,
        Action<NpgsqlCommand> parameters,
        int most,
        CancellationToken cancellationToken
    ) =>
        store.ChangeAsync(
            // Locks the rows first: a row that a user changes meanwhile, so that it has not ended, stays.
            $"""
            delete from {table} where id in (
                select id from {table} where {condition} order by {changedAt} limit {most} for update skip locked
            )
            """,
            command =>
            {
                parameters(command);
                return command.ExecuteNonQueryAsync(CancellationToken.None);
            },
            cancellationToken
        );
}

internal static class EndedRowsExtensions
{
    /// <inheritdoc cref="EndedRows(NpgsqlDataSource, string, string, string, int, TimeProvider)"/>
    public static void AddEndedRows<T>(
        this IServiceCollection services,
        string table,
        string ended,
        string changedAt,
        Func<T, int> days
    )
        where T : class =>
        services.AddSingleton(provider => new EndedRows(
            provider.GetRequiredService<NpgsqlDataSource>(),
            table,
            ended,
            changedAt,
            days(provider.GetRequiredService<IOptions<T>>().Value),
            provider.GetRequiredService<TimeProvider>()
        ));
}
