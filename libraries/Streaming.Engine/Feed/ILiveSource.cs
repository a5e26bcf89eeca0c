using System.Diagnostics.CodeAnalysis;
using EventStore;

namespace Streaming.Feed;

/// <summary>Brings events ahead of the store. <see cref="LiveFeed"/> reads from the store the pages that the source
/// loses.</summary>
internal interface ILiveSource
{
    /// <summary>Time without a page after which the store is read instead, or null if the source has no pages and the
    /// store is followed.</summary>
    TimeSpan? Silence { get; }

    /// <summary>Takes the next page. Only one reader may call it.</summary>
    bool TryRead([NotNullWhen(true)] out RelayPage? page);

    Task WaitToReadAsync(CancellationToken cancellationToken);

    void CountGap();

    /// <summary>Reports a page that was taken and cannot be read.</summary>
    void Refuse(string reason);
}
