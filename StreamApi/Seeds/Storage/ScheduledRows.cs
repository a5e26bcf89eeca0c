using EventStore;
using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Runs work stored in a table when it is due, on any replica. It sleeps until the first row is due; it finds rows of
/// other replicas at its next check, which matters only if those replicas die.
/// </summary>
/// <param name="store">The database.</param>
/// <param name="table">Schema and table name.</param>
/// <param name="column">Indexed column with the due time; null: never.</param>
/// <param name="maxSleep">Maximum time between checks.</param>
/// <param name="clock">The clock of the due times.</param>
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
    /// <param name="take">Takes due rows and returns their number; 0 if other replicas hold them.</param>
    /// <param name="failed">Receives the error; the work is retried.</param>
    /// <param name="cancellationToken">Stops the loop.</param>
    public async Task RunAsync(
        Func<CancellationToken, Task<int>> take,
        Action<Exception> failed,
        CancellationToken cancellationToken
    )
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var sleep = await UntilDueAsync(cancellationToken);
                if (sleep <= TimeSpan.Zero)
                {
                    if (await take(cancellationToken) > 0)
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
    private async Task<TimeSpan> UntilDueAsync(CancellationToken cancellationToken)
    {
        var next = await store.ReadAsync(
            $"select min({column}) from {table}",
            command => command.ExecuteScalarAsync(CancellationToken.None),
            cancellationToken
        );
        if (next is not DateTime first)
            return maxSleep;
        var until = new DateTimeOffset(first) - clock.GetUtcNow();
        return until < maxSleep ? until : maxSleep;
    }

    public void Dispose() => _changed.Dispose();
}
