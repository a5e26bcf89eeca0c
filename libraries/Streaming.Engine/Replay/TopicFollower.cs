using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Streaming.Fanout;
using Streaming.Frames;

namespace Streaming.Replay;

/// <summary>Reads the events of a topic as they come, for code that does not send them as frames. They come from
/// memory, or else from the store in the client's turn. Thread-safe.</summary>
internal sealed class TopicFollower
{
    /// <summary>Longest wait for the feed to reach an epoch that the store has.</summary>
    private static readonly TimeSpan EpochLimit = TimeSpan.FromSeconds(5);

    private readonly FilterRingRegistry _rings;
    private readonly IReplay _replay;
    private readonly ConcurrentDictionary<FilterRing, TaskCompletionSource> _waiting = [];

    public TopicFollower(FilterRingRegistry rings, IReplay replay)
    {
        _rings = rings;
        _replay = replay;
        rings.Appended += Wake;
    }

    /// <summary>Reads the topic's events after a position, without an end.</summary>
    /// <param name="topic">Not a pattern.</param>
    /// <param name="client">The client whose share of the store's reads it uses.</param>
    /// <exception cref="StoreUnavailableException">The events cannot be read, or some of them are gone.</exception>
    public async IAsyncEnumerable<EventRecord> ReadAsync(
        string topic,
        StreamPosition after,
        string client,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filter = new StreamFilter([topic], [], [], ShownFormat.Instance);
        var ring = _rings.Acquire(filter);
        try
        {
            await _rings.Epochs.WaitForAsync(after.Epoch, EpochLimit, cancellationToken);
            while (true)
            {
                // Before the look, so that no event falls between the look and the wait.
                var changed = ChangeOf(ring);
                if (ring.Lineage.Translate(after) is not { } at)
                    throw Gone();

                after = at;
                if (!ring.TrySeek(at.Position, _rings.Settled, out var sequence))
                {
                    var page = await PageAsync(filter, at, client, cancellationToken);
                    foreach (var frame in page.Frames)
                        yield return frame.Record!;
                    after = new StreamPosition(page.Epoch, Math.Max(at.Position, page.Through));
                    continue;
                }

                var frames = sequence == FilterRing.NoPlace ? [] : ring.ReadAll(sequence);
                foreach (var frame in frames)
                    yield return frame.Record!;

                if (frames.Length > 0)
                    after = new StreamPosition(frames[^1].Epoch, frames[^1].Position);
                else if (sequence == FilterRing.NoPlace || sequence == ring.Next)
                    await changed.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _rings.Release(ring);
            // Other readers that wait for the ring look once in vain.
            Wake([ring]);
        }
    }

    private async Task<ReplayPage> PageAsync(
        StreamFilter filter,
        StreamPosition after,
        string client,
        CancellationToken cancellationToken
    )
    {
        var answer = new TaskCompletionSource<ReplayPage?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var waiter = new ReplayWaiter(
            new ReplayRange(filter, after.Position, Newest: false, IsSmall: false, Through: null),
            (_, page) =>
            {
                // The events outlive the page.
                if (page is not null)
                    _replay.Pages.Release(page);
                answer.TrySetResult(page);
            },
            client
        );

        _replay.Read(waiter, after.Epoch);
        await using var withdrawal = cancellationToken.Register(() => _replay.Cancel(waiter));

        var page = await answer.Task.WaitAsync(cancellationToken) ?? throw Gone();
        var isKnown = await _rings.Epochs.WaitForAsync(page.Epoch, EpochLimit, cancellationToken);
        return isKnown && page.DroppedThrough <= after.Position ? page : throw Gone();
    }

    private static StoreUnavailableException Gone() => new("The events cannot be read. Try again in some seconds.");

    private Task ChangeOf(FilterRing ring) => _waiting.GetOrAdd(ring, static _ => New()).Task;

    private void Wake(IReadOnlyList<FilterRing> rings)
    {
        if (_waiting.IsEmpty)
            return;

        foreach (var ring in rings)
            if (_waiting.TryRemove(ring, out var waiting))
                waiting.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
