using System.Diagnostics.CodeAnalysis;
using EventStore;

namespace Streaming.Feed;

/// <summary>Brings events ahead of the store. <see cref="LiveFeed"/> reads pages that it loses from there.</summary>
internal interface ILiveSource
{
    /// <summary>Time without a page after which the store is read instead, or null if it has none and the store is the
    /// source.</summary>
    TimeSpan? Silence { get; }

    /// <summary>Takes the next page; for one reader.</summary>
    bool TryRead([NotNullWhen(true)] out RelayPage? page);

    Task WaitToReadAsync(CancellationToken cancellationToken);

    void CountGap();

    /// <summary>Reports a page that was taken and cannot be read.</summary>
    void Refuse(string reason);
}
