using EventStore;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Runs work stored in a table when it is due, on any replica. It sleeps until the first row is due; it finds rows of
/// other replicas at its next check, which matters only if those replicas die. Due times are by Postgres's clock, so
/// that rows of a replica whose own clock is ahead do not wait for it.
/// </summary>
/// <param name="store">The database.</param>
/// <param name="table">Schema and table name.</param>
/// <param name="column">Indexed column with the due time; null: never.</param>
/// <param name="maxSleep">Maximum time between checks.</param>
/// <param name="clock">Delays the next try after an error.</param>
internal sealed class ScheduledRows(
    NpgsqlDataSource store,
    string table,
    string column,
    TimeSpan maxSleep,
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
                await _changed.WaitAsync((int)Math.Ceiling(sleep.TotalMilliseconds), cancellationToken);
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
        var (now, first) = await store.ReadAsync(
            $"select clock_timestamp(), min({column}) from {table}",
            async command =>
            {
                await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
                await row.ReadAsync(CancellationToken.None);
                return (
                    row.GetFieldValue<DateTimeOffset>(0),
                    row.IsDBNull(1) ? (DateTimeOffset?)null : row.GetFieldValue<DateTimeOffset>(1)
                );
            },
            cancellationToken
        );
        return (now, first is { } due && due - now < maxSleep ? due - now : maxSleep);
    }

    public void Dispose() => _changed.Dispose();
}
