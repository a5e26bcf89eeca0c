using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>
/// Publishes events committed by this process, apart from the commits, which must not wait for the fan-out. The feed
/// publishes those that do not come next or overflow the queue.
/// </summary>
internal sealed class LocalCommits(FilterLogs logs, ILogger logger)
{
    private readonly Channel<CommittedEvents> _committed = Channel.CreateBounded<CommittedEvents>(
        new BoundedChannelOptions(16) { SingleReader = true }
    );

    /// <summary>Queues events. Thread-safe.</summary>
    public void Add(CommittedEvents committed) => _committed.Writer.TryWrite(committed);

    public async Task PublishAsync(CancellationToken stoppingToken)
    {
        await foreach (var (epoch, events) in _committed.Reader.ReadAllAsync(stoppingToken))
        {
            if (events[0].Position != logs.Settled + 1)
                continue;
            try
            {
                using var span = StoreTracing.StartBatch(
                    "sse fan-out",
                    ActivityKind.Consumer,
                    events.Select(e => e.TraceParent)
                );
                span?.SetTag("messaging.batch.message_count", events.Count);
                logs.TryPublishNext(epoch, events);
            }
            catch (Exception e)
            {
                logger.LogError(e, "Locally committed events were not published at once; the feed publishes them");
            }
        }
    }
}
