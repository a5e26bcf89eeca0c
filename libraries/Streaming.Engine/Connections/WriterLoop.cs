using EventStore;
using Streaming.Fanout;
using Streaming.Metrics;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>Writes to many connections, on one thread, and never waits for a client.</summary>
/// <remarks>
/// The loop, again and again:
/// 1. Handle what was posted: new streams, outputs that take bytes again, pages that were read, ends.
/// 2. Write the rings that have grown, for about two milliseconds.
/// 3. Once a second, visit every connection.
/// </remarks>
internal sealed class WriterLoop : IWriterLoop, IDisposable
{
    /// <summary>Connections written between two looks at the clock.</summary>
    private const int Stride = 16;

    private readonly int _number;
    private readonly FilterRingRegistry _rings;
    private readonly StoreClock _storeClock;
    private readonly TimeProvider _clock;
    private readonly LoopConnections _connections;
    private readonly CatchUpPages _pages;
    private readonly ConnectionWriter _writer;
    private readonly ConnectionTimers _timers;
    private readonly LoopInbox<(Command Command, StreamConnection Connection, object? Argument)> _inbox;
    private readonly List<(Command Command, StreamConnection Connection, object? Argument)> _commands = [];
    private readonly WriteRounds _rounds;
    private readonly List<FilterRing> _grown = [];
    private Thread? _thread;

    public WriterLoop(
        int number,
        FilterRingRegistry rings,
        IReplay replay,
        SseOptions options,
        StreamingMetrics metrics,
        StoreClock storeClock,
        PendingWriteBudget pending
    )
    {
        _number = number;
        _rings = rings;
        _storeClock = storeClock;
        _clock = storeClock.Local;

        _connections = new LoopConnections(number);
        _pages = new CatchUpPages(
            replay,
            pending,
            (connection, waiter, page) => Post(Command.Page, connection, new Answer(waiter, page))
        );
        _writer = new ConnectionWriter(number, rings, _connections, _pages, options, metrics, storeClock);
        _timers = new ConnectionTimers(rings, _connections, _pages, _writer, options, _clock);
        _rounds = new WriteRounds(
            number,
            () => new WritePacing(options.MaxWritePacingMilliseconds, _clock),
            _clock,
            WriteGrown
        );
        _inbox = new(number);
    }

    private enum Command
    {
        Attach,
        Ready,
        Page,
        End,
    }

    private sealed record Answer(ReplayWaiter To, ReplayPage? Page);

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = $"sse-writer-{_number}" };
        // The first stream's request starts the thread, which must not keep the request's AsyncLocals.
        _thread.UnsafeStart();
    }

    /// <summary>Takes a stream. The caller's thread writes its first frame, because no other thread writes to it
    /// yet.</summary>
    public void Attach(StreamConnection connection)
    {
        connection.Attach(this);
        connection.Enter(_clock.Milliseconds(), _storeClock.NowTicks);
        var isGreeted = connection.TryGreet();
        var at = connection.StreamPosition;

        // A sleeping loop takes a stream without events later: to wake the loop would cost more than the first frame.
        _inbox.PostLater((Command.Attach, connection, null));
        if (!isGreeted || connection.EndRequested is not null || _rings.Now.Settled != at)
            _inbox.Wake();
    }

    public void Ready(StreamConnection connection) => Post(Command.Ready, connection);

    public void End(StreamConnection connection, EndReason reason) => Post(Command.End, connection, reason);

    public void Grown(IReadOnlyList<FilterRing> rings) => _inbox.Grown(rings);

    public void Dispose()
    {
        _inbox.Stop();
        if (_thread?.Join(TimeSpan.FromSeconds(2)) is not false)
            _inbox.Dispose();
    }

    private void Post(Command command, StreamConnection connection, object? argument = null) =>
        _inbox.Post((command, connection, argument));

    private void Run()
    {
        do _inbox.Wait(_timers.IsUnderWay ? 0 : _rounds.SleepMilliseconds);
        while (RunOnce());
    }

    /// <summary>Handles what was posted and what is due, without waiting. Returns false if the loop must
    /// stop.</summary>
    public bool RunOnce()
    {
        // 1. Handle what was posted.
        var goesOn = _inbox.Take(_commands, _grown);
        foreach (var (command, connection, argument) in _commands)
            TryHandle(command, connection, argument);

        _commands.Clear();

        // 2. Write the rings that have grown.
        _rounds.Add(_grown);
        _grown.Clear();
        _rounds.WriteSlice();

        // 3. Once a second, visit every connection.
        _timers.TickIfDue();
        return goesOn;
    }

    /// <summary>Handles a command. An unexpected failure ends its connection alone, and the thread continues with the
    /// others.</summary>
    private void TryHandle(Command command, StreamConnection connection, object? argument)
    {
        if (connection.HasEnded)
        {
            _pages.Release((argument as Answer)?.Page);
            return;
        }

        try
        {
            // Connections share the batch, which is cleared so that it includes newer frames.
            _writer.Batch.Clear();

            switch (command)
            {
                case Command.Attach:
                    _connections.Add(connection);
                    _writer.Pump(connection);
                    if (connection.EndRequested is { } reason)
                        _writer.End(connection, reason);
                    break;
                case Command.Ready:
                    connection.TookWrite(_clock.Milliseconds());
                    _connections.Resume(connection);
                    _writer.Pump(connection);
                    break;
                case Command.Page:
                    var answer = (Answer)argument!;
                    _writer.TakePage(connection, answer.To, answer.Page);
                    break;
                // A stream that is not attached yet ends when Attach is handled, which sees this request.
                case Command.End:
                    if (connection.IsAttached)
                        _writer.End(connection, (EndReason)argument!);
                    break;
            }
        }
        catch (Exception e)
        {
            _writer.Fail(connection, e);
        }
    }

    /// <summary>Writes what is new in a ring; returns true if no connection is left to visit.</summary>
    private bool WriteGrown(FilterRing ring, long until, out int batched)
    {
        batched = 0;
        ref var loopUse = ref ring.Loops[_number];

        if (!_connections.TryGet(ring, out var group))
        {
            Interlocked.Exchange(ref loopUse.IsListed, 0);
            return true;
        }

        if (group.Left == 0)
        {
            // Before the ring is read, so that events from now on list it again.
            Interlocked.Exchange(ref loopUse.IsListed, 0);
            group.BeginPass();
            _writer.Batch.Clear();
        }

        while (group.TakeNext() is { } connection)
        {
            _writer.TryPump(connection);
            if (!connection.HasEnded && connection.Output.Busy)
                group.Park(connection);
            if (group.Left % Stride == 0 && group.Left > 0 && _clock.GetTimestamp() >= until)
                break;
        }

        batched = _writer.Batch.Count;
        return group.Left == 0;
    }
}
