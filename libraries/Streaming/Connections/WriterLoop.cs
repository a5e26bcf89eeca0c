using System.Diagnostics;
using EventStore;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Connections;

/// <summary>
/// One thread that writes to many connections. It is woken when a filter log of one of its connections grows, an output
/// takes bytes
/// again, or a page has come from the store, and writes to each connection all that waits for it, joined. It never
/// waits for a peer.
/// A delivery costs one write and no allocation.
/// </summary>
internal sealed class WriterLoop : IDisposable
{
    /// <summary>A reader that takes nothing for so long is fed by its position when it reads on; the memory keeps
    /// nothing for it.</summary>
    private const int StalledMilliseconds = 3_000;

    private readonly int _number;
    private readonly FilterLogs _logs;
    private readonly CatchUpPages _pages;
    private readonly StreamingOptions _options;
    private readonly StreamingMetrics _metrics;
    private readonly StoreClock _clock;
    private readonly WriteBatch _batch;
    private readonly WritePacing _pacing;
    private readonly Dictionary<FilterLog, ConnectionGroup> _groups = [];
    private readonly LoopInbox<(Command Command, StreamConnection Connection, object? Argument)> _inbox;
    private readonly Thread _thread;
    private readonly List<(Command Command, StreamConnection Connection, object? Argument)> _commands = [];
    private readonly List<FilterLog> _grown = [];
    private long _tickedAt;

    public WriterLoop(
        int number,
        FilterLogs logs,
        StoreReplay replay,
        StreamingOptions options,
        StreamingMetrics metrics,
        StoreClock clock,
        PendingWrites pending
    )
    {
        (_number, _logs, _options, _metrics, _clock) = (number, logs, options, metrics, clock);
        _pages = new CatchUpPages(
            replay,
            pending,
            (connection, waiter, page) => Post(Command.Page, connection, new Answer(waiter, page))
        );
        _batch = new WriteBatch(options.WriteBatchBytes);
        _pacing = new WritePacing(options.MaxWritePacingMilliseconds, TimeProvider.System);
        _inbox = new(number, _pacing);
        _thread = new Thread(Run) { IsBackground = true, Name = $"sse-writer-{number}" };
        _thread.Start();
    }

    private enum Command
    {
        Attach,
        Pump,
        Page,
        End,
    }

    private sealed record Answer(ReplayWaiter To, ReplayPage? Page);

    public void Attach(StreamConnection connection)
    {
        connection.Loop = this;
        connection.Output.Stream = connection;
        Post(Command.Attach, connection);
    }

    /// <summary>The connection's output takes bytes again, or is broken.</summary>
    public void Ready(StreamConnection connection) => Post(Command.Pump, connection);

    /// <summary>Ends the stream: with a last frame where the peer still reads, and the end of the body.</summary>
    public void End(StreamConnection connection, EndReason reason) => Post(Command.End, connection, reason);

    public void Grown(IReadOnlyList<FilterLog> logs) => _inbox.Grown(logs);

    public void Dispose()
    {
        _inbox.Stop();
        if (_thread.Join(TimeSpan.FromSeconds(2)))
            _inbox.Dispose();
    }

    private void Post(Command command, StreamConnection connection, object? argument = null) =>
        _inbox.Post((command, connection, argument));

    private void Run()
    {
        for (var goesOn = true; goesOn; )
        {
            _inbox.Wait();
            goesOn = _inbox.Take(_commands, _grown);
            foreach (var (command, connection, argument) in _commands)
                Handle(command, connection, argument);
            _commands.Clear();
            if (_grown.Count > 0)
                WriteGrown();
            if (Environment.TickCount64 - _tickedAt >= 1_000)
                Tick();
        }
    }

    private void Handle(Command command, StreamConnection connection, object? argument)
    {
        if (connection.End is not null)
        {
            _pages.Return((argument as Answer)?.Page);
            return;
        }
        _batch.Clear();
        switch (command)
        {
            case Command.Attach:
                Enter(connection);
                Pump(connection);
                if (connection.StopRequested is { } reason)
                    Close(connection, reason);
                break;
            case Command.Pump:
                connection.TakenAt = Environment.TickCount64;
                connection.WasBusy = true;
                _groups[connection.Log].Resume(connection);
                Pump(connection);
                break;
            case Command.Page:
                TakePage(connection, (Answer)argument!);
                break;
            // Before it was attached nothing has been written, not even a response's head: attaching finds that it is
            // to stop.
            case Command.End:
                if (connection.GroupIndex >= 0)
                    Close(connection, (EndReason)argument!);
                break;
        }
    }

    private void WriteGrown()
    {
        var (begun, joined) = (Stopwatch.GetTimestamp(), 0);
        foreach (var log in _grown)
        {
            // Before the log is looked at, so that what comes from here on lists it again.
            Interlocked.Exchange(ref log.Loops[_number].IsListed, 0);
            if (_groups.TryGetValue(log, out var group))
                joined = Math.Max(joined, PumpAll(log, group));
        }
        _grown.Clear();
        _pacing.Begin(begun, joined);
    }

    /// <returns>The most events that one write contained.</returns>
    private int PumpAll(FilterLog log, ConnectionGroup group)
    {
        _batch.Clear();
        var next = log.Next;
        for (var i = group.Ready - 1; i >= 0; i--)
        {
            var connection = group[i];
            Pump(connection);
            if (connection.End is null && connection.Output.Busy)
                group.Park(connection);
        }
        if (group.Ready == group.Count)
            Volatile.Write(ref log.Loops[_number].ReadThrough, next);
        return _batch.Count;
    }

    /// <summary>Writes what waits for the connection until it is level, busy or gone.</summary>
    private void Pump(StreamConnection c)
    {
        while (c.End is null && !c.Output.Busy)
        {
            if (c.Ending is { } ending)
            {
                Close(c, ending);
                return;
            }
            if (c.Opening is { } opening)
            {
                c.Opening = null;
                if (!Write(c, opening))
                    return;
                c.IdSentAt = c.WrittenAt;
                continue;
            }
            if (!ReferenceEquals(c.Epoch, c.Log.Epoch) && c.Epoch != c.Log.Epoch)
            {
                if (c.IsFinite)
                {
                    Close(c, EndReason.Outdated);
                    return;
                }
                Resync(c, ResyncReason.Epoch, _logs.Settled);
                continue;
            }
            if (c.Page is not null)
            {
                if (!WritePage(c))
                    return;
                continue;
            }
            if (c.AwaitsPage)
                return;
            if (c.SkipsUnread)
            {
                _pages.Ask(c);
                return;
            }
            var settled = _logs.Settled;
            if ((c.Sequence < 0 || c.Position > settled) && !c.Log.TrySeek(c.Position, settled, out c.Sequence))
            {
                if (c.WasBusy && c.Slow == SlowReader.Disconnect)
                {
                    Close(c, EndReason.TooSlow);
                    return;
                }
                _pages.Ask(c);
                return;
            }
            if (c.Sequence >= 0)
                Hold(c);
            if (c.Sequence < 0)
                return; // it is sought again when the feed brings something
            if (c.WasBusy && c.Slow == SlowReader.Latest && c.Log.Next - c.Sequence > 1)
                SkipToLatest(c, c.Log.ReadAll(c.Sequence), c.Log.Epoch);
            if (c.Page is not null)
                continue;
            c.WasBusy = false;
            CatchUpPages.CaughtUp(c);
            switch (_batch.Take(c.Log, c.Sequence))
            {
                case 0:
                    return;
                case -1:
                    c.Sequence = -1;
                    continue;
                case var n:
                    if (!WriteJoin(c))
                        return;
                    c.Sequence += n;
                    break;
            }
        }
    }

    /// <summary>The log keeps what this connection has not read.</summary>
    private void Hold(StreamConnection c)
    {
        ref var use = ref c.Log.Loops[_number];
        if (c.Sequence < use.ReadThrough)
            Volatile.Write(ref use.ReadThrough, c.Sequence);
    }

    private bool WritePage(StreamConnection c)
    {
        var page = c.Page!;
        if (page.DroppedThrough > c.Position)
        {
            Resync(c, ResyncReason.Expired, page.DroppedThrough);
            if (page.Skipped is not null)
                c.Opening = [.. c.Opening!, .. CatchUpPages.Skipped(c, page)];
            return true;
        }
        var n = _batch.Take(page.Frames, c.PageIndex, _pages.MostBytes(c, _options.WriteBatchBytes));
        if (n == 0)
        {
            _pages.Finish(c);
            return true;
        }
        c.PageIndex += n;
        if (!WriteJoin(c))
            return false;
        if (c.Output.Busy)
            _pages.Relieve(c, isStalled: false);
        return true;
    }

    private bool WriteJoin(StreamConnection c)
    {
        // A tick notices the end up to a second late; events must not be read until then.
        if (Environment.TickCount64 >= c.Expiry.EndsAt)
        {
            Close(c, EndReason.Unauthorized);
            return false;
        }
        if (!Write(c, _batch.Bytes(c.Output.Chunked), _batch))
            return false;
        var buckets = _batch.BucketsAt(_clock.NowTicks, c.ReceivedAt);
        foreach (var bucket in buckets)
            c.Latency.Add(bucket);
        c.Delivered += _batch.Count;
        c.Position = _batch.LastPosition;
        c.IdSentAt = c.WrittenAt;
        _metrics.Delivered(_number, buckets);
        if (!_batch.Ends)
            return true;
        Close(c, EndReason.Complete);
        return false;
    }

    private bool Write(StreamConnection c, ReadOnlyMemory<byte> bytes, WriteBatch? batch = null)
    {
        c.WrittenAt = Environment.TickCount64;
        if (!c.Output.TryWrite(bytes, batch))
        {
            Leave(c, EndReason.ClientGone);
            return false;
        }
        if (!c.Output.Busy)
            c.TakenAt = c.WrittenAt;
        c.Bytes += bytes.Length;
        return true;
    }

    private void Resync(StreamConnection c, ResyncReason reason, long position)
    {
        var requested = c.StreamPosition.ToString();
        (c.Epoch, c.Position, c.Sequence) = (c.Log.Epoch, position, -1);
        if (reason == ResyncReason.Epoch)
        {
            c.SkippedThrough = 0;
            _pages.GiveUp(c);
        }
        c.Opening = c.Output.Framed(ControlFrames.Resync(reason, requested, c.StreamPosition));
        _metrics.Resynced(reason);
    }

    /// <summary>What waits becomes a page with the newest of each key; the gap is told before it.</summary>
    private void SkipToLatest(StreamConnection c, LogFrame[] waiting, string epoch)
    {
        c.WasBusy = false;
        if (waiting.Length == 0)
            return;
        var (kept, skipped) = SlowReaders.NewestOfEachKey(waiting);
        _pages.ShowOwn(c, new ReplayPage(epoch, 0, kept, waiting[^1].Position, skipped, waiting[^1].Position));
    }

    private void TakePage(StreamConnection c, Answer answer)
    {
        // Asked for by a history that has ended meanwhile: read after that, it would be of the new one, and from
        // anywhere.
        if (answer.To != c.Asked)
        {
            _pages.Return(answer.Page);
            return;
        }
        c.Asked = null;
        if (answer.Page is not { } page)
        {
            Close(c, EndReason.Failed);
            return;
        }
        // A page of another history says nothing; the epoch's change is told by the log.
        if (page.Epoch == c.Epoch)
            _pages.Show(c, page);
        else
            _pages.Return(page);
        Pump(c);
    }

    private void Tick()
    {
        var now = _tickedAt = Environment.TickCount64;
        foreach (var (log, group) in _groups.ToArray())
        {
            // Settled first: a connection level with the log after this has had every match up to there.
            var settled = new StreamId(log.Epoch, _logs.Settled);
            byte[]? idOnly = null;
            var read = log.Next;
            for (var i = group.Count - 1; i >= 0; i--)
            {
                var c = group[i];
                if (c.Output.Busy)
                    _pages.Relieve(c, isStalled: now - c.TakenAt >= StalledMilliseconds);
                if (!c.IsBehind)
                    read = Math.Min(read, c.Sequence);
                if (now >= c.ExpiresAt)
                {
                    Close(c, EndReason.Aged);
                    continue;
                }
                if (now >= c.Expiry.EndsAt)
                {
                    Close(c, EndReason.Unauthorized);
                    continue;
                }
                if (c.Output.Busy)
                {
                    var taken = now - c.TakenAt;
                    if (
                        c.Slow == SlowReader.Disconnect
                        && (
                            taken >= _options.SlowSeconds * 1_000L
                            || !c.Log.Holds(c.Sequence)
                            || (c.Page is not null && taken >= StalledMilliseconds && _pages.IsFull)
                        )
                    )
                        Leave(c, EndReason.TooSlow);
                    else if (taken >= _options.DeadSeconds * 1_000L)
                        Leave(c, EndReason.Dead);
                    continue;
                }
                if (now >= c.Expiry.RenewAt && !c.RenewSent)
                {
                    c.RenewSent = true;
                    if (!Write(c, c.Output.Framed(ControlFrames.Unauthorized("expiring", c.Expiry.Until))))
                        continue;
                }
                var level =
                    !c.IsBehind
                    && c.Sequence == log.Next
                    && c.Epoch == settled.Epoch
                    && log.Filter.Format.SendsPositions;
                if (level && settled.Position > c.Position && now - c.IdSentAt >= _options.PositionSeconds * 1_000L)
                {
                    idOnly ??= ControlFrames.IdOnly(settled);
                    if (!Write(c, c.Output.Framed(idOnly)))
                        continue;
                    (c.Position, c.IdSentAt) = (settled.Position, now);
                }
                else if (now - c.WrittenAt >= _options.HeartbeatSeconds * 1_000L)
                    Write(c, c.Output.Framed(ControlFrames.Heartbeat));
                else if (!level)
                    Pump(c);
            }
            Volatile.Write(ref log.Loops[_number].ReadThrough, read);
        }
    }

    private void Close(StreamConnection c, EndReason reason)
    {
        if (reason == EndReason.Complete && c.Output.Busy)
        {
            c.Ending = reason;
            return;
        }
        if (c.End is null && !c.Output.Busy && Farewell(c, reason) is { } farewell)
            Write(c, c.Output.Framed(farewell));
        // After a handover the body's end is ours to write; otherwise Kestrel writes it when the endpoint returns.
        if (reason != EndReason.ClientGone && c.End is null && !c.Output.Busy && c.Output.Chunked)
            c.Output.TryWrite(StreamOutput.LastChunk);
        Leave(c, reason);
    }

    /// <summary>The frames that tell a client why its stream ends, and when to come back.</summary>
    private byte[]? Farewell(StreamConnection c, EndReason reason) =>
        reason switch
        {
            EndReason.Drained or EndReason.Aged or EndReason.TooSlow or EndReason.Stalled or EndReason.Outdated =>
                ControlFrames.Retry(_options.NextRetry()),
            EndReason.Failed => [.. ControlFrames.Unavailable, .. ControlFrames.Retry(_options.NextRetry())],
            EndReason.Unauthorized => ControlFrames.Unauthorized("expired", c.Expiry.Until),
            EndReason.Replaced => ControlFrames.Unauthorized("replaced", c.Expiry.Until),
            _ => null,
        };

    private void Enter(StreamConnection c)
    {
        if (!_groups.TryGetValue(c.Log, out var group))
            _groups.Add(c.Log, group = new ConnectionGroup());
        group.Add(c);
        // A full fence: the feed must see the user before this loop looks at the log.
        Interlocked.Increment(ref c.Log.Loops[_number].Users);
        c.TakenAt = c.IdSentAt = Environment.TickCount64;
        c.ReceivedAt = _clock.NowTicks;
        // A tenth of jitter, or streams that began together would end together.
        if (_options.MaxAgeSeconds > 0)
            c.ExpiresAt = c.TakenAt + (long)(_options.MaxAgeSeconds * (900 + Random.Shared.Next(200)));
    }

    private void Leave(StreamConnection c, EndReason reason)
    {
        if (c.End is not null)
            return;
        _pages.GiveUp(c);
        if (c.GroupIndex >= 0)
        {
            var group = _groups[c.Log];
            group.Remove(c);
            if (group.Count == 0)
                _groups.Remove(c.Log);
            Interlocked.Decrement(ref c.Log.Loops[_number].Users);
        }
        c.Finish(reason);
    }
}
