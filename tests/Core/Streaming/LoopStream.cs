using System.IO.Pipelines;
using System.Text;
using Streaming;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

/// <summary>A stream of a <see cref="LoopRig"/> that has read everything, with the text that its client got.</summary>
internal sealed class LoopStream
{
    private readonly Func<string> _text;

    private LoopStream(LoopRig loop, StreamOutput? output, FrameFormat format, LoopSettings settings)
    {
        var sent = new MemoryStream();
        _text = () => Encoding.UTF8.GetString(sent.ToArray());
        var ring = loop.Rings.Acquire(new StreamFilter(["t"], [], [], format));

        Connection = new StreamConnection(
            "c",
            ring,
            loop.Rings,
            output ?? new PipeOutput(PipeWriter.Create(sent), settings.Chunked, loop.Pending),
            new StreamClient("192.0.2.1:1", null, "/events", null, "")
        )
        {
            SlowPolicy = settings.Slow,
            IsFinite = settings.IsFinite,
            Expiry = settings.Expiry ?? ExpiryTimes.Endless,
            Epoch = ring.Epoch,
            Position = loop.Rings.Settled,
            IdSent = loop.Rings.Settled,
            EventSent = loop.Rings.Settled,
            Sequence = ring.Next,
        };
        Connection.WrittenAt = Connection.TakenAt = Connection.IdSentAt = TimeProvider.System.Milliseconds();
        loop.Connections.Add(Connection);
    }

    public StreamConnection Connection { get; }

    /// <summary>The text that the client got.</summary>
    public string Text => _text();

    public static LoopStream Open(
        LoopRig loop,
        LoopSettings settings = default,
        FrameFormat? format = null,
        StreamOutput? output = null
    ) => new(loop, output, format ?? NamedFormat.Always, settings);

    /// <summary>An event of the stream's topic.</summary>
    public static EventRecord Event(long position, string type = "n", string? key = null) =>
        new(position, Guid.Empty, "t", type, key, "1"u8.ToArray(), DateTimeOffset.UnixEpoch, null);

    internal readonly record struct LoopSettings(
        SlowClientPolicy Slow = SlowClientPolicy.CatchUp,
        bool IsFinite = false,
        bool Chunked = false,
        ExpiryTimes? Expiry = null
    );
}

/// <summary>An output whose client takes nothing.</summary>
internal sealed class BusyOutput : StreamOutput
{
    public BusyOutput(PendingWriteBudget pending)
        : base(pending) => Busy = true;

    public override bool Chunked => false;

    public override bool TryWrite(ReadOnlyMemory<byte> bytes, WriteBatch? batch = null) =>
        throw new InvalidOperationException("A busy output accepts no writes.");
}
