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
    /// <summary>Filters whose fan-out hardly holds up the next commit: to match an event with a hundred of the slowest
    /// takes 22 µs (decision 33).</summary>
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
            if (_rings.Count > FewFilters || !TryPublish(commit))
                _committed.Writer.TryWrite(commit);
        };
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await foreach (var commit in _committed.Reader.ReadAllAsync(stoppingToken))
            TryPublish(commit);
    }

    /// <summary>Returns false if other events come before the commit's, which may be in the queue.</summary>
    private bool TryPublish(CommittedEvents commit)
    {
        if (commit.Previous > _rings.Settled)
            return false;

        using var span = EventTracing.StartBatch("sse fan-out", ActivityKind.Consumer, commit.Events);
        if (_rings.TryPublishNext(commit))
            _direct.Advance();
        return true;
    }
}
