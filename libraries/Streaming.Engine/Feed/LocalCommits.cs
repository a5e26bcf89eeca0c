using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes commits of this process at once, from a queue, because a commit must not wait for the fan-out.
/// The feed publishes commits that do not come next or that overflow the queue.</summary>
internal sealed class LocalCommits : RestartingService
{
    private readonly Channel<CommittedEvents> _committed = Channel.CreateBounded<CommittedEvents>(
        new BoundedChannelOptions(16) { SingleReader = true }
    );

    private readonly FilterRingRegistry _rings;

    public LocalCommits(
        FilterRingRegistry rings,
        EventAppender appender,
        TimeProvider clock,
        ILogger<LocalCommits> logger
    )
        : base(logger, clock)
    {
        _rings = rings;
        appender.Committed += committed => _committed.Writer.TryWrite(committed);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await foreach (var (epoch, events) in _committed.Reader.ReadAllAsync(stoppingToken))
        {
            if (events[0].Position != _rings.Settled + 1)
                continue;

            using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, events);
            _rings.TryPublishNext(epoch, events);
        }
    }
}
