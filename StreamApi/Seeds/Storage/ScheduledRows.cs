using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>Runs work stored in a table when it is due, on any replica. It sleeps until the first row is due; rows of
/// other replicas it finds at its next check, which matters only if those replicas die.</summary>
/// <remarks>Due times are by Postgres's clock. After that clock was set back, rows that would wait for longer than any
/// can are due at once.</remarks>
/// <param name="store">The database.</param>
/// <param name="table">Schema and table name.</param>
/// <param name="column">Indexed column with the due time, or null for never.</param>
/// <param name="longest">Maximum time from a row's change to its due time.</param>
/// <param name="clock">The clock of the pauses.</param>
internal sealed class ScheduledRows(
    NpgsqlDataSource store,
    string table,
    string column,
    TimeSpan longest,
    TimeProvider clock
) : IDisposable
{
    /// <summary>Maximum time between checks: delay of the rows of a replica that died.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromSeconds(1);

    /// <summary>Pause after a turn. Rows that become due meanwhile are taken together, in at most ten transactions a
    /// second, however many they are.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>Signals that a row may be due earlier than before.</summary>
    public void Changed() => _changed.Release();

    /// <summary>Takes due rows until cancelled.</summary>
    /// <param name="take">Takes rows that are due at this time by Postgres's clock, and returns true if it has left
    /// some for its next turn.</param>
    /// <param name="failed">Receives the error; the work is retried.</param>
    /// <param name="cancellationToken">Stops the loop.</param>
    public async Task RunAsync(
        Func<DateTimeOffset, CancellationToken, Task<bool>> take,
        Action<Exception> failed,
        CancellationToken cancellationToken
    )
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var pause = Pause;
            try
            {
                // A check before taking, because the transaction that takes rows costs ten times as much.
                var (now, sleep) = await UntilDueAsync();
                if (sleep > TimeSpan.Zero)
                {
                    await SleepAsync(sleep, cancellationToken);
                    continue;
                }

                if (await take(now, cancellationToken))
                    continue;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failed(e);
                pause = MaxSleep;
            }

            await Task.Delay(pause, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SleepAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        // Rounds up, because a wake-up before the due time would query again.
#pragma warning disable RS0030 // A semaphore takes no clock.
        await _changed.WaitAsync((int)Math.Ceiling(time.TotalMilliseconds), cancellationToken);
#pragma warning restore RS0030
        while (_changed.Wait(0, CancellationToken.None)) { }
    }

    private async Task<(DateTimeOffset Now, TimeSpan Sleep)> UntilDueAsync()
    {
        // The rows that this clock cannot have scheduled are due at the next check.
        await using var command = store.CreateCommand(
            $"""
            with put_off as (
                update {table} set {column} = clock_timestamp() where {column} > clock_timestamp() + $1
            )
            select clock_timestamp(), min({column}) from {table}
            """
        );
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = longest });
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        await row.ReadAsync(CancellationToken.None);

        var now = row.GetFieldValue<DateTimeOffset>(0);
        var sleep = row.IsDBNull(1) ? MaxSleep : row.GetFieldValue<DateTimeOffset>(1) - now;
        return (now, sleep < MaxSleep ? sleep : MaxSleep);
    }

    public void Dispose() => _changed.Dispose();
}
