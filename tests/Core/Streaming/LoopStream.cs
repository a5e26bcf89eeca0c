using System.IO.Pipelines;
using System.Text;
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
        var now = TimeProvider.System.Milliseconds() - settings.QuietMilliseconds;
        var ring = loop.Rings.Acquire(new StreamFilter(["t"], [], [], format));

        Connection = new StreamConnection(
            "c",
            ring,
            loop.Rings,
            output ?? new PipeOutput(PipeWriter.Create(sent), settings.Chunked, loop.Pending),
            new StreamClient("192.0.2.1:1", null, "/events", ""),
            new StreamPosition(settings.Epoch ?? ring.Epoch, settings.Position ?? loop.Rings.Settled)
        )
        {
            SlowPolicy = settings.Slow,
            IsFinite = settings.IsFinite,
            Deadlines = Deadlines(now, settings.Expiry, settings.MaxAge),
        };
        Connection.Enter(now, ticks: 0);
        Connection.TrySeek(loop.Rings.Settled);
        loop.Connections.Add(Connection);
    }

    public StreamConnection Connection { get; }

    /// <summary>The text that the client got.</summary>
    public string Text => _text();

    public static LoopStream Open(
        LoopRig loop,
        LoopSettings? settings = null,
        FrameFormat? format = null,
        StreamOutput? output = null
    ) => new(loop, output, format ?? NamedFormat.Always, settings ?? new LoopSettings());

    /// <summary>The deadlines of a stream that nothing ends, unless the arguments say otherwise.</summary>
    public static StreamDeadlines Deadlines(
        long begunAt = 0,
        ExpiryTimes? expiry = null,
        long maxAge = long.MaxValue
    ) => new(expiry ?? ExpiryTimes.Endless, begunAt, maxAge, heartbeatSeconds: 15);

    /// <summary>An event of the stream's topic.</summary>
    public static EventRecord Event(long position, string type = "n", string? key = null) =>
        new()
        {
            At = new StreamPosition("e", position),
            Id = Guid.Empty,
            Topic = "t",
            Type = type,
            Key = key,
            Data = "1"u8.ToArray(),
            Time = DateTimeOffset.UnixEpoch,
        };

    /// <param name="Position">Position at which it begins, or null for the head.</param>
    /// <param name="Epoch">Epoch of that position, or null for that of the ring.</param>
    /// <param name="QuietMilliseconds">Time since it had anything.</param>
    internal sealed record LoopSettings(
        SlowClientPolicy Slow = SlowClientPolicy.CatchUp,
        bool IsFinite = false,
        bool Chunked = false,
        ExpiryTimes? Expiry = null,
        string? Epoch = null,
        long? Position = null,
        long QuietMilliseconds = 0,
        long MaxAge = long.MaxValue
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
