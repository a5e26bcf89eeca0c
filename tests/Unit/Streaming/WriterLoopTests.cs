using System.IO.Pipelines;
using System.Text;
using Streaming.Connections;

namespace Unit.Streaming;

public sealed class WriterLoopTests : IDisposable
{
    private readonly LoopRig _rig = new();

    /// <summary>Thousands of streams share the thread.</summary>
    [Fact(Timeout = 30_000)]
    public async Task A_stream_that_fails_unexpectedly_ends_alone()
    {
        using var loops = _rig.StartThreads();
        var pipe = new Pipe();
        var failing = Attach(loops, new FailingOutput(_rig.Pending));
        var healthy = Attach(loops, new PipeOutput(pipe.Writer, chunked: false, _rig.Pending));

        _rig.Logs.Publish([LoopStream.Event(1)], 1);
        await failing.Ended;
        Assert.Equal(EndReason.Failed, failing.End);

        _rig.Logs.Publish([LoopStream.Event(2)], 2);
        var text = "";
        while (!text.EndsWith("2\nevent: n\ndata: 1\n\n", StringComparison.Ordinal))
        {
            var read = await pipe.Reader.ReadAsync(TestContext.Current.CancellationToken);
            text += Encoding.UTF8.GetString(read.Buffer);
            pipe.Reader.AdvanceTo(read.Buffer.End);
        }
        Assert.Null(healthy.End);
    }

    public void Dispose() => _rig.Dispose();

    private StreamConnection Attach(WriterLoops loops, StreamOutput output)
    {
        var log = _rig.Log("t");
        var stream = new StreamConnection(
            "c",
            log,
            _rig.Logs,
            output,
            new StreamClient("", null, "", null, default, "")
        )
        {
            Epoch = log.Epoch,
            Sequence = log.Next,
        };
        loops.Attach(stream);
        return stream;
    }

    private sealed class FailingOutput(PendingWrites pending) : StreamOutput(pending)
    {
        public override bool Chunked => false;

        public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null) =>
            throw new InvalidOperationException("A mistake.");
    }
}
