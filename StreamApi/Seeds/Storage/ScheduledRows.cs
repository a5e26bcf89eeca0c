using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>
/// Work that waits in a table until it is due, on any replica. It sleeps until the first row is due; of rows that this
/// replica writes it is
/// told (<see cref="Changed"/>), what others write it finds at its next look, which matters only where they die before
/// they take it.
/// </summary>
/// <param name="store">The database.</param>
/// <param name="table">Schema and name, of our own.</param>
/// <param name="column">When a row is due, indexed; null: never.</param>
/// <param name="look">The longest sleep.</param>
/// <param name="clock">The clock that the rows are written by.</param>
internal sealed class ScheduledRows(
    NpgsqlDataSource store,
    string table,
    string column,
    TimeSpan look,
    TimeProvider clock
) : IDisposable
{
    /// <summary>Before rows that another replica holds are tried again.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>A row may be due earlier than before.</summary>
    public void Changed() => _changed.Release();

    /// <summary>Takes what is due, until cancelled.</summary>
    /// <param name="take">Takes due rows and says how many; 0 where others hold them.</param>
    /// <param name="failed">Told what went wrong; it is tried again.</param>
    /// <param name="cancellationToken">Ends it.</param>
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
                // Up to a whole millisecond: who wakes before a row is due asks once more.
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
                await Task.Delay(look, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>The transaction that takes due rows costs ten times as much as this question.</summary>
    private async Task<TimeSpan> UntilDueAsync(CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand($"select min({column}) from {table}");
        if (await command.ExecuteScalarAsync(cancellationToken) is not DateTime first)
            return look;
        var until = new DateTimeOffset(first) - clock.GetUtcNow();
        return until < look ? until : look;
    }

    public void Dispose() => _changed.Dispose();
}
