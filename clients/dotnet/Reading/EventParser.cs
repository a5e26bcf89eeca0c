using System.Net.ServerSentEvents;

namespace AspireSse.Client.Reading;

/// <summary>
/// Runs <see cref="SseParser{T}"/> synchronously on complete blocks, each of which dispatches exactly one event.
/// </summary>
internal sealed class EventParser : IDisposable
{
    private readonly BlockStream _block = new();
    private readonly IEnumerator<SseItem<byte[]>> _items;

    public EventParser() =>
        _items = SseParser.Create(_block, static (_, data) => data.ToArray()).Enumerate().GetEnumerator();

    public SseItem<byte[]> Parse(ReadOnlyMemory<byte> block)
    {
        _block.Rest = block;
        return _items.MoveNext()
            ? _items.Current
            : throw new InvalidOperationException("A block with data dispatched no event.");
    }

    public void Dispose() => _items.Dispose();

    private sealed class BlockStream : ReadOnlyStream
    {
        public ReadOnlyMemory<byte> Rest { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, Rest.Length);
            Rest.Span[..length].CopyTo(buffer);
            Rest = Rest[length..];
            return length;
        }
    }
}
