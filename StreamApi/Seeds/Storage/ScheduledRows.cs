using EventStore;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Runs work stored in a table when it is due, on any replica. It sleeps until the first row is due; it finds rows of
/// other replicas at its next check, which matters only if those replicas die.
/// </summary>
/// <remarks>Due times are by Postgres's clock. After that clock was set back, rows that would wait for longer than any
/// can are due at once.</remarks>
/// <param name="store">The database.</param>
/// <param name="table">Schema and table name.</param>
/// <param name="column">Indexed column with the due time; null: never.</param>
/// <param name="maxSleep">Maximum time between checks.</param>
/// <param name="longest">Maximum time from a row's change to its due time.</param>
/// <param name="clock">Delays the next try after an error.</param>
internal sealed class ScheduledRows(
    NpgsqlDataSource store,
    string table,
    string column,
    TimeSpan maxSleep,
    TimeSpan longest,
    TimeProvider clock
) : IDisposable
{
    /// <summary>Pause before rows that another replica holds are tried again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>Signals that a row may be due earlier than before.</summary>
    public void Changed() => _changed.Release();

    /// <summary>Takes due rows until cancelled.</summary>
    /// <param name="take">Takes the rows that are due at this time by Postgres's clock, and returns their number; 0 if
    /// other replicas hold them.</param>
    /// <param name="failed">Receives the error; the work is retried.</param>
    /// <param name="cancellationToken">Stops the loop.</param>
    public async Task RunAsync(
        Func<DateTimeOffset, CancellationToken, Task<int>> take,
        Action<Exception> failed,
        CancellationToken cancellationToken
    )
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var (now, sleep) = await UntilDueAsync(cancellationToken);
                if (sleep <= TimeSpan.Zero)
                {
                    if (await take(now, cancellationToken) > 0)
                        continue;
                    sleep = Pause;
                }
                // Rounds up, because a wake-up before the due time would query again.
#pragma warning disable RS0030 // A semaphore takes no clock.
                await _changed.WaitAsync((int)Math.Ceiling(sleep.TotalMilliseconds), cancellationToken);
#pragma warning restore RS0030
                while (_changed.Wait(0, CancellationToken.None)) { }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failed(e);
                await Task.Delay(maxSleep, clock, cancellationToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Checks before taking, because the transaction that takes rows costs ten times as much.</summary>
    private async Task<(DateTimeOffset Now, TimeSpan Sleep)> UntilDueAsync(CancellationToken cancellationToken)
    {
        var (now, times) = await store.ReadAsync(
            $"select clock_timestamp(), min({column}), max({column}) from {table}",
            async command =>
            {
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                await row.ReadAsync(CancellationToken.None);
                return (row.GetFieldValue<DateTimeOffset>(0), row.IsDBNull(1) ? null : Times(row));
            },
            cancellationToken
        );
        if (times is not var (first, last))
            return (now, maxSleep);
        if (last - now > longest)
        {
            await MakeDueAsync(now, cancellationToken);
            return (now, TimeSpan.Zero);
        }
        return (now, first - now < maxSleep ? first - now : maxSleep);

        static (DateTimeOffset, DateTimeOffset)? Times(NpgsqlDataReader row) =>
            (row.GetFieldValue<DateTimeOffset>(1), row.GetFieldValue<DateTimeOffset>(2));
    }

    /// <summary>Makes the rows due that this clock cannot have scheduled. Returns their number.</summary>
    private Task<int> MakeDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        store.ChangeAsync(
            $"update {table} set {column} = $1 where {column} > $2",
            command =>
            {
                command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
                command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now + longest });
                return command.ExecuteNonQueryAsync(CancellationToken.None);
            },
            cancellationToken
        );

    public void Dispose() => _changed.Dispose();
}
