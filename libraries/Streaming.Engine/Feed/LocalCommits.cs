using System.Diagnostics;
using System.Threading.Channels;
using EventStore;
using Streaming.Fanout;

namespace Streaming.Feed;

/// <summary>Publishes commits of this process at once; where there are many filters from a queue, because a commit must
/// not wait for their fan-out. Those that do not come next, or that overflow the queue, come back through Redis or from
/// the store.</summary>
internal sealed class LocalCommits : RestartingService
{
    /// <summary>Filters that take less time than another thread's wake, which is 50 µs: each takes about 0.5.</summary>
    private const int FewFilters = 64;

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
        appender.Committed += commit =>
        {
            if (commit.Previous > _rings.Settled || _rings.Count > FewFilters)
                _committed.Writer.TryWrite(commit);
            else
                Publish(commit);
        };
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await foreach (var commit in _committed.Reader.ReadAllAsync(stoppingToken))
            Publish(commit);
    }

    private void Publish(CommittedEvents commit)
    {
        if (commit.Previous > _rings.Settled)
            return;

        using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, commit.Events);
        if (_rings.TryPublishNext(commit))
            _direct.Advance();
    }
}
