using EventStore;

namespace Streaming.Feed;

/// <summary>Notices that Postgres was restored without a new epoch.</summary>
/// <remarks>Within an epoch a head never goes back, so a page that ends before the position that it was read after
/// proves it.</remarks>
internal sealed class HeadCheck(ILogger logger)
{
    private volatile bool _isBehind;

    /// <summary>True while Postgres lacks events of this epoch that were published here. Open streams do not get new
    /// events at their positions.</summary>
    public bool IsBehind => _isBehind;

    /// <summary>Records a page that was read.</summary>
    /// <param name="page">The page.</param>
    /// <param name="isNewEpoch">True if the page begins an epoch.</param>
    /// <param name="settled">The last position that was published.</param>
    public void Note(EventPage page, bool isNewEpoch, long settled)
    {
        var isBehind = !isNewEpoch && (page.Head < page.Through || (_isBehind && page.Head < settled));
        if (isBehind && !_isBehind)
            logger.LogCritical(
                "Postgres ends at position {Head}, but events up to {Settled} were delivered: it was restored without "
                    + "a new epoch, and open streams do not get its new events. Run eventstore.new_epoch() there",
                page.Head,
                settled
            );
        _isBehind = isBehind;
    }
}
