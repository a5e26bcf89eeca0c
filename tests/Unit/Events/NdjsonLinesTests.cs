using System.Buffers;
using System.IO.Pipelines;
using StreamApi.Events;
using Unit.Streaming;

namespace Unit.Events;

public sealed class NdjsonLinesTests
{
    [Fact]
    public async Task A_line_in_many_pieces_is_searched_once()
    {
        const int Pieces = 1_000,
            Bytes = 64;
        using var body = new Body(Pieces, Bytes);
        var lines = new NdjsonLines(BodyContext.Of(body, TimeProvider.System), int.MaxValue);
        var found = new List<int>();
        var received = 0L;
        while (await lines.ReadAsync(TestContext.Current.CancellationToken))
        {
            received += lines.Received;
            while (lines.TryTake(out var line))
                found.Add(line.Length);
            lines.Advance();
        }

        Assert.Equal([Pieces * Bytes - 1], found);
        Assert.Equal(Pieces * Bytes, received);
        // Searched, copied, and looked at as the first of what is left; a search per piece would be half a million.
        Assert.InRange(body.Looks, Pieces, 5 * Pieces);
    }

    /// <summary>A body that comes in pieces, of which the last ends with the line break, and counts looks at
    /// them.</summary>
    private sealed class Body(int pieces, int bytes) : PipeReader, IDisposable
    {
        private readonly List<Piece> _pieces = [];
        private Segment? _first;
        private Segment? _last;

        public int Looks => _pieces.Sum(piece => piece.Looks);

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var text = Enumerable.Repeat((byte)'x', bytes).ToArray();

            if (_pieces.Count == pieces - 1)
                text[^1] = (byte)'\n';

            var piece = new Piece(text);
            _pieces.Add(piece);
            _last = new Segment(piece.Memory, _last);
            _first ??= _last;

            var read = new ReadOnlySequence<byte>(_first, 0, _last, bytes);
            return new(new ReadResult(read, isCanceled: false, isCompleted: _pieces.Count == pieces));
        }

        /// <summary>The line is incomplete until the last read, so nothing is consumed.</summary>
        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) { }

        public override void AdvanceTo(SequencePosition consumed) => throw new NotSupportedException();

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) { }

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public void Dispose() => _pieces.ForEach(piece => ((IDisposable)piece).Dispose());
    }

    private sealed class Piece(byte[] text) : MemoryManager<byte>
    {
        public int Looks { get; private set; }

        public override Span<byte> GetSpan()
        {
            Looks++;
            return text;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin() => throw new NotSupportedException();

        protected override void Dispose(bool disposing) { }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            RunningIndex = before is null ? 0 : before.RunningIndex + before.Memory.Length;
            if (before is not null)
                before.Next = this;
        }
    }
}
