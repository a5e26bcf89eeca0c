using Npgsql;

namespace EventStore;

/// <summary>Finds the row that has waited longest in the outbox, and recent erasures. A check passes the rows that were
/// written since the checks before, not those that were moved since the oldest transaction of the database began. Not
/// thread-safe.</summary>
internal sealed class OutboxWatch(NpgsqlDataSource store)
{
    private const string Sql = """
        select eventstore.looks(), oldest.ordinal,
            pg_visible_in_snapshot(oldest.writer, split_part($2, ' ', 2)::pg_snapshot),
            exists (select from eventstore.leases where name = 'broadcaster' and expires_at > clock_timestamp()),
            (select coalesce(max(through), 0) from eventstore.erasures where erased_at > clock_timestamp() - $3)
        from (values (1)) one left join (
            select ordinal, writer from eventstore.unseen($1, 1) order by writer, ordinal limit 1
        ) oldest on true
        """;

    /// <summary>A look that saw nothing.</summary>
    private const string Nothing = "- 1:1:";

    /// <summary>The look of an earlier check, of which no row still waits.</summary>
    private string _passed = Nothing;

    private string _last = Nothing;

    /// <summary>Returns the oldest row, or null if none waits, and the last position that the erasures of a time span
    /// concern, or 0 without one.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="TimeoutException">Postgres does not answer in time.</exception>
    public async Task<(WaitingOutbox? Oldest, long ErasedThrough)> OldestAsync(
        TimeSpan erasures,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await store.RunAsync(
                Sql,
                command => command.With(_passed).With(_last).With(erasures).RowAsync(Note),
                timeout,
                cancellationToken
            );
        }
        catch
        {
            // After a crash of Postgres, numbers of transactions may return.
            _passed = Nothing;
            _last = Nothing;
            throw;
        }
    }

    private (WaitingOutbox? Oldest, long ErasedThrough) Note(NpgsqlDataReader row)
    {
        var look = row.GetString(0);
        var oldest = row.IsDBNull(1) ? null : new WaitingOutbox(row.GetInt64(1), row.GetBoolean(3));

        if (oldest is null)
            _passed = look;
        else if (!row.GetBoolean(2))
            _passed = _last;
        _last = look;
        return (oldest, row.GetInt64(4));
    }
}
