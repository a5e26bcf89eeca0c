using System.IO.Pipelines;
using System.Text;
using Streaming.Connections;

namespace Core.Streaming;

public sealed class WriterLoopTests
{
    private readonly LoopRig _rig = new();

    /// <summary>Thousands of streams share the thread.</summary>
    /// <param name="writes">Events that the stream takes before it fails: the first may be written when it is
    /// attached, a later one when its ring has grown.</param>
    [Theory(Timeout = 30_000)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_stream_that_fails_unexpectedly_ends_alone(int writes)
    {
        using var loops = _rig.StartThreads();
        var pipe = new Pipe();
        var output = new FailingOutput(_rig.Pending, writes);
        var failing = Attach(loops, output);
        var healthy = Attach(loops, new PipeOutput(pipe.Writer, chunked: false, _rig.Pending));

        for (var position = 1; position <= writes; position++)
        {
            _rig.Rings.Publish([LoopStream.Event(position)], position);
            await Eventually.HoldsAsync(() => output.Writes == position);
        }

        _rig.Rings.Publish([LoopStream.Event(writes + 1)], writes + 1);
        await failing.Ended;
        Assert.Equal(EndReason.Failed, failing.End);

        _rig.Rings.Publish([LoopStream.Event(writes + 2)], writes + 2);
        var text = "";
        while (!text.EndsWith($"-{writes + 2}\n\n", StringComparison.Ordinal))
        {
            var read = await pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
            text += Encoding.UTF8.GetString(read.Buffer);
            pipe.Reader.AdvanceTo(read.Buffer.End);
        }

        Assert.Null(healthy.End);
    }

    private StreamConnection Attach(WriterLoopPool loops, StreamOutput output)
    {
        var ring = _rig.RingOf("t");
        var start = new StreamPosition(ring.Epoch, _rig.Rings.Settled);
        var client = new StreamClient("", null, "", "");
        var stream = new StreamConnection("c", ring, _rig.Rings, output, client, start)
        {
            Deadlines = LoopStream.Deadlines(),
        };
        loops.Attach(stream);

        return stream;
    }
}

/// <summary>A connection that takes some writes and fails at the next one.</summary>
internal sealed class FailingOutput(PendingWriteBudget pending, int writes = 0) : StreamOutput(pending)
{
    private int _writes;

    public int Writes => Volatile.Read(ref _writes);

    public override bool Chunked => false;

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        if (_writes == writes)
            throw new InvalidOperationException("A mistake.");

        Interlocked.Increment(ref _writes);
        return true;
    }
}
