using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace AspireSse.Client.Reading;

/// <summary>Reads the events of one response body, and moves the cursor with each whole block: also with one that only has an id.</summary>
internal sealed class EventReader : IAsyncDisposable
{
    private readonly BlockStream _blocks;
    private readonly SseParser<byte[]> _parser;
    private readonly IAsyncEnumerator<SseItem<byte[]>> _items;
    private readonly Cursor _cursor;

    /// <summary>A bare <c>id</c> line empties the last id; a stream that has sent none leaves the one that the client came with.</summary>
    private bool _sawId;

    public EventReader(Stream body, Cursor cursor, IdleWatch? watch, int maxBlock, CancellationToken cancellationToken)
    {
        _cursor = cursor;
        _blocks = new BlockStream(body, watch, maxBlock) { Consumed = TakeOver };
        _parser = SseParser.Create(_blocks, static (_, data) => data.ToArray());
        _items = _parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
    }

    /// <summary>The next event; null at the body's end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SseEvent?> NextAsync()
    {
        if (!await _items.MoveNextAsync().ConfigureAwait(false)) return null;
        var item = _items.Current;
        if (item.EventId is not null) _sawId = true;
        MoveCursor();
        return new SseEvent(item.EventType is { Length: > 0 } type ? type : SseParser.EventTypeDefault, _cursor.LastEventId, item.Data);
    }

    private void TakeOver()
    {
        _sawId |= _blocks.SawId;
        MoveCursor();
    }

    private void MoveCursor()
    {
        if (_sawId |= _parser.LastEventId.Length > 0) _cursor.LastEventId = _parser.LastEventId;
        if (_parser.ReconnectionInterval != Timeout.InfiniteTimeSpan) _cursor.Retry = _parser.ReconnectionInterval;
    }

    public async ValueTask DisposeAsync()
    {
        await _items.DisposeAsync().ConfigureAwait(false);
        await _blocks.DisposeAsync().ConfigureAwait(false);
    }
}
