using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Keeps the directory of the log's topics, about a second behind the log: readers find a pattern's topics in
/// it, and skip the parts of the log where a topic has no events. Thread-safe.</summary>
internal sealed class TopicDirectory(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<TopicDirectory> logger
)
{
    /// <summary>Events listed by one statement, which takes some tens of milliseconds if all topics are new.</summary>
    private const int Step = 2_000;

    /// <summary>Pause while the directory catches up, in multiples of the last listing's time. The listing then takes
    /// an eighth of a processor, so that a publisher of new topics does not slow others.</summary>
    private const int Rest = 7;

    /// <summary>Keeps the directory up to date until cancelled. One process is enough; several do no harm.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var pause = TimeSpan.FromMilliseconds(options.Value.TopicDirectoryMilliseconds);
            try
            {
                var begun = clock.GetTimestamp();
                if (await ListAsync(cancellationToken) == Step)
                    pause = Rest * clock.GetElapsedTime(begun);
            }
            catch (StoreUnavailableException e)
            {
                logger.LogWarning(
                    "The directory of topics cannot be updated, trying again: {Reason}",
                    e.InnerException?.Message ?? e.Message
                );
            }

            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <summary>Lists the log's next events and returns their number; 0 also while another process lists.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task<int> ListAsync(CancellationToken cancellationToken) =>
        store.ChangeAsync(
            "select eventstore.list_topics($1)",
            async command => (int)(await command.With(Step).ExecuteScalarAsync(CancellationToken.None))!,
            cancellationToken
        );
}
