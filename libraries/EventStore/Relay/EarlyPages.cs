using System.Diagnostics.CodeAnalysis;

namespace EventStore;

/// <summary>Pages of one epoch that came before their predecessors. Not thread-safe.</summary>
internal sealed class EarlyPages
{
    /// <summary>Maximum pages: replicas commit so many, in 1 ms each, while one message is 60 ms late. By then the
    /// Broadcaster has been told.</summary>
    public const int MaxPages = 64;

    private readonly SortedList<long, RelayPage> _pages = [];

    /// <summary>Keeps a page. Of too many, those with the lowest positions stay, because they are the next
    /// ones.</summary>
    public void Add(RelayPage page)
    {
        if (_pages.Count > 0 && _pages.Values[0].Epoch != page.Epoch)
            _pages.Clear();

        _pages[page.Previous] = page;
        if (_pages.Count > MaxPages)
            _pages.RemoveAt(MaxPages);
    }

    /// <summary>Takes a page whose predecessor is at the position or before it.</summary>
    public bool TryTake(long position, [NotNullWhen(true)] out RelayPage? page)
    {
        page = _pages.Count > 0 && _pages.Keys[0] <= position ? _pages.Values[0] : null;
        if (page is not null)
            _pages.RemoveAt(0);
        return page is not null;
    }
}
