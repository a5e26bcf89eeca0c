using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Follows the log: woken by Postgres's notifications, with polling as a net where one is lost.</summary>
public sealed class EventTail(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    EventReader reader,
    IOptions<EventStoreOptions> options,
    ILogger<EventTail> logger
)
{
    /// <summary>
    /// Every event after <paramref name="after"/>, in order, page by page, without end. A page without events says
    /// where the head is,
    /// at least every <see cref="EventStoreOptions.PollMilliseconds"/>. While Postgres is away the enumeration waits.
    /// </summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="mostData">Of an event with more bytes of data than this the data are left out, and empty.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    public async IAsyncEnumerable<EventPage> FollowAsync(
        long after,
        int mostData = int.MaxValue,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var wake = new SemaphoreSlim(0);
        var listening = ListenAsync(wake, "eventstore", stop.Token);
        try
        {
            while (true)
            {
                EventPage? page = null;
                try
                {
                    page = await reader.ReadAsync(after, mostData: mostData, cancellationToken: cancellationToken);
                }
                catch (StoreUnavailableException e)
                {
                    logger.LogWarning(
                        "The log cannot be read, trying again: {Reason}",
                        e.InnerException?.Message ?? e.Message
                    );
                    await Task.Delay(options.Value.PollMilliseconds, cancellationToken);
                }
                if (page is null)
                    continue;
                after = page.Next;
                yield return page;
                if (page.Through < page.Head)
                    continue;
                await wake.WaitAsync(options.Value.PollMilliseconds, cancellationToken);
            }
        }
        finally
        {
            await stop.CancelAsync();
            // Not waited for: where Postgres is frozen it ends after seconds, and the caller has what to do meanwhile.
            _ = listening.ContinueWith(_ => wake.Dispose(), TaskScheduler.Default);
        }
    }

    /// <summary>Yields when outbox rows may wait: at once after a commit that wrote some, and at every poll.</summary>
    public async IAsyncEnumerable<bool> OutboxAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var wake = new SemaphoreSlim(0);
        var listening = ListenAsync(wake, "eventstore_outbox", stop.Token);
        try
        {
            while (true)
                yield return await wake.WaitAsync(options.Value.PollMilliseconds, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(SemaphoreSlim wake, string channel, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await store.ListenAsync(
                    channel,
                    () => wake.Release(),
                    _ =>
                    {
                        if (wake.CurrentCount == 0)
                            wake.Release();
                    },
                    cancellationToken
                );
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                logger.LogWarning("Not notified of new events, polling until Postgres is back: {Reason}", e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }
}
