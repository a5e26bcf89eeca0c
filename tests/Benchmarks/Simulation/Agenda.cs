namespace Benchmarks.Simulation;

/// <summary>Kind of a thing that happens.</summary>
internal enum Happening : byte
{
    /// <summary>A relay message reaches a replica.</summary>
    Message,

    /// <summary>A reader opens its stream again.</summary>
    Attempt,

    /// <summary>A read reaches its store.</summary>
    ReadBegins,

    /// <summary>The answer of a read reaches its replica.</summary>
    ReadEnds,

    /// <summary>A sampled reader loses its connection.</summary>
    Drop,
}

/// <summary>One entry; its numbers mean what the kind says.</summary>
internal readonly record struct AgendaItem(Happening Kind, int Subject, int Channel, int From, int To);

/// <summary>Everything that will happen, by millisecond; within one in the order of entry.</summary>
internal sealed class Agenda(int limit)
{
    private readonly List<AgendaItem>?[] _items = new List<AgendaItem>?[limit + 1];
    private readonly Stack<List<AgendaItem>> _free = [];

    /// <summary>Enters an item; what would lie beyond the end is dropped.</summary>
    public void Add(int at, in AgendaItem item)
    {
        if (at < _items.Length)
            (_items[at] ??= _free.TryPop(out var used) ? used : []).Add(item);
    }

    /// <summary>Takes what happens now. <see cref="Release"/> gives the list back.</summary>
    public List<AgendaItem>? Take(int now)
    {
        var items = _items[now];
        _items[now] = null;
        return items;
    }

    public void Release(List<AgendaItem> items)
    {
        items.Clear();
        if (items.Capacity <= 4_096)
            _free.Push(items);
    }
}
