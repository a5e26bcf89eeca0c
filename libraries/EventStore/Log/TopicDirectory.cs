using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// The topics of the log, listed beside it a second later (migration 0011). Readers find through it which topics a
/// pattern stands for, and skip
/// what a topic does not have, however long the log is.
/// </summary>
public sealed class TopicDirectory(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<TopicDirectory> logger
)
{
    /// <summary>Events listed by one statement: some tens of milliseconds.</summary>
    private const int Step = 20_000;

    /// <summary>Keeps the directory up to date until cancelled. One process is enough; several do no harm.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var rest = TimeSpan.FromMilliseconds(options.Value.TopicDirectoryMilliseconds);
            try
            {
                var begun = clock.GetTimestamp();
                // Behind by more than a step: it rests as long as it worked, so that catching up leaves half of a core
                // to the others.
                if (await ListAsync(cancellationToken) == Step)
                    rest = clock.GetElapsedTime(begun);
            }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning(
                    "The directory of topics is not kept up, trying again: {Reason}",
                    e.InnerException?.Message ?? e.Message
                );
            }
            await Task.Delay(rest, clock, cancellationToken);
        }
    }

    /// <summary>Lists what has been appended, up to a step.</summary>
    /// <returns>The number of events listed; 0 also where another process is at it.</returns>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<int> ListAsync(CancellationToken cancellationToken) =>
        store.AskAsync(
            "select eventstore.list_topics($1)",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Step });
                return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
            }
        );
}
