using EventStore;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Replay;

namespace StreamApi.Streaming.Connections;

/// <summary>
/// One open stream: a cursor in a filter log and an output. All its state belongs to its writer loop, but for what is said to be safe.
/// </summary>
internal sealed class StreamConnection(string id, FilterLog log, StreamOutput output, StreamClient client)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;
    public FilterLog Log => log;
    public StreamOutput Output => output;
    public StreamClient Client => client;

    /// <summary>Its loop and its place in the loop's group.</summary>
    public WriterLoop? Loop;
    public int GroupIndex = -1;

    /// <summary>Every matching event up to here has been written.</summary>
    public long Position;

    /// <summary>The epoch that <see cref="Position"/> belongs to.</summary>
    public string Epoch = "";

    /// <summary>The next frame in the filter log; -1 where it must be sought by position.</summary>
    public long Sequence = -1;

    /// <summary>Written before anything else, framed for the output: response head, reconnection time, first frame, a resync.</summary>
    public byte[]? Opening;

    /// <summary>A page from the store that is being written, and how far; whether another was asked for.</summary>
    public ReplayPage? Page;
    public int PageIndex;
    public bool AwaitsPage;

    /// <summary>Milliseconds of <see cref="Environment.TickCount64"/>: last write begun, last write taken, last id that reached the client.</summary>
    public long WrittenAt, TakenAt, IdSentAt;

    public LatencyHistogram Latency { get; } = new();

    /// <summary>Safe to read from any thread.</summary>
    public long Delivered, Bytes;
    public bool IsBehind => Page is not null || AwaitsPage || Sequence < 0;
    public DateTimeOffset ConnectedAt { get; init; }

    /// <summary>Why it ended; null while it lives.</summary>
    public EndReason? End { get; private set; }

    /// <summary>Completes when the loop has written the last byte it will write.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Called on the loop's thread when the stream has ended.</summary>
    public Action? OnEnd;

    private volatile object? _stop;

    /// <summary>Asks for the end, from any thread; the loop writes what belongs there.</summary>
    public void Stop(EndReason reason)
    {
        _stop ??= reason;
        Loop?.End(this, reason);
    }

    /// <summary>An end asked for before there was a loop.</summary>
    public EndReason? StopRequested => _stop as EndReason?;

    /// <summary>Called by the loop, once.</summary>
    public void Finish(EndReason reason)
    {
        if (End is not null) return;
        End = reason;
        _ended.TrySetResult();
        OnEnd?.Invoke();
    }

    public StreamId StreamPosition => new(Epoch, Position);
}

/// <summary>Who is at the other end: address, user agent and user as the request told, none of the request itself.</summary>
internal sealed record StreamClient(string Address, string? User, string Endpoint);

/// <summary>Why a stream ended.</summary>
internal enum EndReason
{
    /// <summary>The client closed it.</summary>
    ClientGone,

    /// <summary>The server stops; the client was told when to come back.</summary>
    Drained,

    /// <summary>No write was taken for too long.</summary>
    Dead,

    /// <summary>An operator closed it.</summary>
    Closed,

    /// <summary>What it missed cannot be read.</summary>
    Failed,
}
