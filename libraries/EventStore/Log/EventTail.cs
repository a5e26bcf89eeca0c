using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Follows the log by Postgres's notifications, and by polling in case one is lost. Thread-safe.</summary>
internal sealed class EventTail(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    EventReader reader,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<EventTail> logger
)
{
    /// <summary>Enumerates the pages after a position until cancelled, and waits during outages of Postgres. An empty
    /// page carries the head, at least every <see cref="EventStoreOptions.PollMilliseconds"/>.</summary>
    /// <param name="mostData">Maximum bytes of an event's data: larger data is left out.</param>
    public async IAsyncEnumerable<EventPage> FollowAsync(
        long after,
        int mostData = int.MaxValue,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // A channel and one timer: a semaphore's wait with a limit would cost each event a timer and a source.
        var wake = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }
        );
        var poll = TimeSpan.FromMilliseconds(options.Value.PollMilliseconds);
        using var polling = clock.CreateTimer(_ => wake.Writer.TryWrite(true), null, poll, poll);
        // Not awaited: with a frozen Postgres it ends after seconds, and the caller must not wait.
        _ = ListenAsync("eventstore", () => wake.Writer.TryWrite(true), stop.Token);
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
                        "The log cannot be read, so the feed waits and tries again: {Reason}",
                        e.InnerException?.Message ?? e.Message
                    );
                    await Task.Delay(poll, clock, cancellationToken);
                }

                if (page is null)
                    continue;

                after = page.Next;
                yield return page;

                if (page.Through < page.Head)
                    continue;
                await wake.Reader.ReadAsync(cancellationToken);
            }
        }
        finally
        {
            await stop.CancelAsync();
        }
    }

    /// <summary>Yields when outbox rows may wait, until cancelled: after each commit that wrote some, and every
    /// <see cref="EventStoreOptions.PollMilliseconds"/>.</summary>
    public async IAsyncEnumerable<bool> OutboxAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var wake = new SemaphoreSlim(0);
        var listening = ListenAsync("eventstore_outbox", Wake, stop.Token);
        try
        {
            while (true)
#pragma warning disable RS0030 // A semaphore takes no clock.
                yield return await wake.WaitAsync(options.Value.PollMilliseconds, cancellationToken);
#pragma warning restore RS0030
        }
        finally
        {
            await stop.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Wake()
        {
            if (wake.CurrentCount == 0)
                wake.Release();
        }
    }

    private async Task ListenAsync(string channel, Action wake, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await store.ListenAsync(channel, wake, _ => wake(), cancellationToken);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                logger.LogWarning(
                    "Postgres does not notify of new events, so the log is polled until it does: {Reason}",
                    e.Message
                );
                await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
            }
        }
    }
}
