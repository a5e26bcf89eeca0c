using System.Diagnostics.CodeAnalysis;
using EventStore;

namespace Streaming.Feed;

/// <summary>Brings new events to a replica, ahead of the store. It may lose pages: <see cref="LiveFeed"/> reads them
/// from the store.</summary>
internal interface ILiveSource
{
    /// <summary>Takes the next page, of one reader.</summary>
    bool TryRead([NotNullWhen(true)] out RelayPage? page);

    /// <summary>Completes when a page can be taken.</summary>
    Task WaitToReadAsync(CancellationToken cancellationToken);

    /// <summary>Counts a page before which one was lost.</summary>
    void CountGap();

    /// <summary>Reports a page that was taken and cannot be read.</summary>
    void Refuse(string reason);
}
