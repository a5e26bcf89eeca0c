using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes commits of this process at once, from a queue, because a commit must not wait for the fan-out.
/// Those that do not come next, or that overflow the queue, come back through Redis or from the store.</summary>
internal sealed class LocalCommits : RestartingService
{
    private readonly Channel<CommittedEvents> _committed = Channel.CreateBounded<CommittedEvents>(
        new BoundedChannelOptions(16) { SingleReader = true }
    );

    private readonly FilterRingRegistry _rings;
    private readonly DirectPages _direct;

    public LocalCommits(
        FilterRingRegistry rings,
        DirectPages direct,
        EventAppender appender,
        TimeProvider clock,
        ILogger<LocalCommits> logger
    )
        : base(logger, clock)
    {
        _rings = rings;
        _direct = direct;
        appender.Committed += committed => _committed.Writer.TryWrite(committed);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await foreach (var commit in _committed.Reader.ReadAllAsync(stoppingToken))
        {
            if (commit.Previous > _rings.Settled)
                continue;

            using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, commit.Events);
            if (_rings.TryPublishNext(commit))
                _direct.Advance();
        }
    }
}
