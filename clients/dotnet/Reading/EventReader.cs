using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace AspireSse.Client.Reading;

/// <summary>
/// Reads the events of one response body and updates the cursor with each complete block, also one with only an id.
/// Reads on demand: it never reads ahead of the caller by more than one socket read.
/// </summary>
internal sealed class EventReader(
    Stream body,
    Cursor cursor,
    IdleWatch? watch,
    int maxBlock,
    CancellationToken cancellationToken
) : IDisposable
{
    private readonly BlockBuffer _blocks = new(maxBlock);
    private readonly EventParser _parser = new();

    /// <summary>Returns the next event, or null at the end of the body.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SseEvent?> NextAsync()
    {
        while (true)
        {
            if (TryTake() is { } e)
                return e;
            int read;
            watch?.Begin();
            try
            {
                read = await body.ReadAsync(_blocks.Room(), cancellationToken).ConfigureAwait(false);
            }
            finally
            {
                watch?.Pause();
            }
            if (read == 0)
                return null;
            _blocks.Add(read);
        }
    }

    private SseEvent? TryTake()
    {
        while (_blocks.TryTake(out var block))
        {
            if (_blocks.Retry is { } retry)
                cursor.Retry = retry;
            if (block.IsEmpty)
            {
                if (_blocks.Id is { } id)
                    cursor.LastEventId = id;
                continue;
            }
            var item = _parser.Parse(block);
            if (item.EventId is { } own)
                cursor.LastEventId = own;
            return new SseEvent(
                item.EventType is { Length: > 0 } type ? type : SseParser.EventTypeDefault,
                cursor.LastEventId,
                item.Data
            );
        }
        return null;
    }

    public void Dispose()
    {
        _parser.Dispose();
        _blocks.Dispose();
    }
}
