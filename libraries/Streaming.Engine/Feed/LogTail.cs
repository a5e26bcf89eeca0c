using System.Diagnostics.CodeAnalysis;
using EventStore;

namespace Streaming.Feed;

/// <summary>The source of a process without Redis. It never has a page, so the feed follows the store, by Postgres's
/// notifications.</summary>
internal sealed class LogTail(TimeProvider clock) : ILiveSource
{
    public TimeSpan? Silence => null;

    public bool TryRead([NotNullWhen(true)] out RelayPage? page)
    {
        page = null;
        return false;
    }

    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);

    public void CountGap() { }

    public void Refuse(string reason) { }
}
