using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes commits of this process at once, but apart from them: a commit must not wait for the fan-out. The
/// feed publishes those that do not come next or overflow the queue.</summary>
internal sealed class LocalCommits : RestartingService
{
    private readonly Channel<CommittedEvents> _committed = Channel.CreateBounded<CommittedEvents>(
        new BoundedChannelOptions(16) { SingleReader = true }
    );

    private readonly FilterRingRegistry _logs;

    public LocalCommits(
        FilterRingRegistry logs,
        EventAppender appender,
        TimeProvider clock,
        ILogger<LocalCommits> logger
    )
        : base(logger, clock)
    {
        _logs = logs;
        appender.Committed += committed => _committed.Writer.TryWrite(committed);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await foreach (var (epoch, events) in _committed.Reader.ReadAllAsync(stoppingToken))
        {
            if (events[0].Position != _logs.Settled + 1)
                continue;

            using var span = StoreTracing.StartBatch("sse fan-out", ActivityKind.Consumer, events);
            _logs.TryPublishNext(epoch, events);
        }
    }
}
