using System.Runtime.InteropServices;

namespace Streaming.Fanout;

/// <summary>Finds the rings that an event is for. Guarded by the lock of <see cref="FilterRingRegistry"/>.</summary>
internal sealed class FilterMatcher
{
    private readonly List<FilterRing> _matches = [];
    private long _lookUps;

    public TopicIndex Index { get; } = new();

    /// <summary>Number of filters compared with events so far, a cost besides
    /// <see cref="TopicIndex.Examined"/>.</summary>
    public long Examined { get; private set; }

    /// <summary>Returns the rings whose filter the event passes, each once, until the next call.</summary>
    public ReadOnlySpan<FilterRing> Match(EventRecord record)
    {
        _matches.Clear();
        Index.Match(record.Topic, _matches);
        _lookUps++;

        var passed = 0;
        var found = CollectionsMarshal.AsSpan(_matches);
        foreach (var ring in found)
        {
            // The index returns a ring once per matching pattern.
            if (ring.LastLookUp == _lookUps)
                continue;
            ring.LastLookUp = _lookUps;
            Examined++;
            if (ring.Filter.Passes(record))
                found[passed++] = ring;
        }

        return found[..passed];
    }
}
