using System.Collections.Concurrent;
using EventStore;
using Npgsql;
using Streaming.Connections;
using Streaming.Fanout;

namespace Streaming.Access;

/// <summary>
/// Allows one connection per ticket: a new one replaces the old, on another replica about a second later, through
/// Postgres. After an outage and in a new epoch every replica stores its open connections again, because a new Postgres
/// server does not have them.
/// </summary>
internal sealed class OneStreamPerTicket(
    TicketConnectionStore connections,
    FilterRingRegistry rings,
    StoreClock storeClock,
    TimeProvider clock,
    ILogger<OneStreamPerTicket> logger
) : RestartingService(logger, clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>The open connection of each ticket on this replica.</summary>
    private readonly ConcurrentDictionary<Guid, Held> _held = new();

    /// <summary>Time of the last note that was read, by Postgres's clock, or null if there is none yet.</summary>
    private DateTimeOffset? _seen;
    private DateTimeOffset _idleAt = clock.GetUtcNow();
    private string _epoch = "";
    private bool _recordsLost;

    /// <param name="after">Time of the connection that this one replaced here, or 0 if unknown. The time of this one is
    /// later.</param>
    private sealed class Held(IReplaceableStream stream, long after, TimeProvider clock)
    {
        private readonly DateTimeOffset _openedAt = clock.GetUtcNow();
        private readonly long _opened = clock.GetTimestamp();
        private long _last = after;

        public IReplaceableStream Stream => stream;

        /// <summary>Time of its opening by Postgres's clock in UTC ticks, once <see cref="IsTimed"/>; before, that of
        /// the connection that it replaced.</summary>
        public long Last => Interlocked.Read(ref _last);

        public bool IsTimed { get; private set; }

        /// <summary>True once Postgres has its note.</summary>
        public bool IsNoted { get; set; }

        /// <summary>Forgets times of a former server, which had a clock of its own.</summary>
        public void Forget()
        {
            IsTimed = false;
            Interlocked.Exchange(ref _last, 0);
        }

        /// <summary>
        /// Sets the time by a time of Postgres's clock and the timestamps around its read. Between them the offset of
        /// the clocks decides, because an answer may take longer than a client needs to open the next stream.
        /// </summary>
        public void SetTime((DateTimeOffset Now, long Asked, long Answered) store, TimeSpan ahead)
        {
            var latest = store.Now - clock.GetElapsedTime(_opened, store.Asked);
            var earliest = store.Now - clock.GetElapsedTime(_opened, store.Answered);
            var at = Math.Clamp((_openedAt + ahead).UtcTicks, earliest.UtcTicks, latest.UtcTicks);

            // Times in Postgres have microseconds.
            Interlocked.Exchange(ref _last, Math.Max(at, Last + TimeSpan.TicksPerMicrosecond));
            IsTimed = true;
        }
    }

    /// <summary>The session that a stream of this ticket enters and leaves.</summary>
    public IStreamSession SessionOf(Guid ticket) => new Session(this, ticket);

    private void Enter(Guid ticket, IReplaceableStream stream)
    {
        Held? replaced = null;
        _held.AddOrUpdate(
            ticket,
            _ => new Held(stream, after: 0, Clock),
            (_, old) =>
            {
                replaced = old;
                return new Held(stream, old.Last, Clock);
            }
        );
        replaced?.Stream.Replace();
    }

    private void Release(Guid ticket, IReplaceableStream stream)
    {
        if (_held.TryGetValue(ticket, out var held) && held.Stream == stream)
            _held.TryRemove(new KeyValuePair<Guid, Held>(ticket, held));
    }

    private sealed class Session(OneStreamPerTicket sessions, Guid ticket) : IStreamSession
    {
        public void Enter(IReplaceableStream stream) => sessions.Enter(ticket, stream);

        public void Leave(IReplaceableStream stream) => sessions.Release(ticket, stream);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await ExchangeAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    /// <summary>Notes this replica's connections in Postgres, and ends those that connections of other replicas have
    /// replaced.</summary>
    internal async Task ExchangeAsync(CancellationToken cancellationToken)
    {
        if (_held.IsEmpty)
        {
            // Earlier notes cannot replace a stream that opens later.
            _seen = null;
            _idleAt = Clock.GetUtcNow();
            return;
        }

        if (_epoch != rings.Epoch)
        {
            _epoch = rings.Epoch;
            _recordsLost = true;
            foreach (var held in _held.Values)
                held.Forget();
        }

        try
        {
            if (_recordsLost)
                foreach (var held in _held.Values)
                    held.IsNoted = false;
            await PublishAsync(cancellationToken);
            await ReadAsync(cancellationToken);
            _recordsLost = false;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            _recordsLost = true;
            Logger.LogDebug("Ticket connections were not exchanged with other replicas: {Reason}", e.Message);
        }
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        KeyValuePair<Guid, Held>[] opened = [.. _held.Where(held => !held.Value.IsNoted)];
        if (opened.Length == 0)
            return;

        Held[] untimed = [.. opened.Select(o => o.Value).Where(held => !held.IsTimed)];
        if (untimed.Length > 0)
        {
            var now = await connections.NowAsync(Clock, cancellationToken);
            foreach (var held in untimed)
                held.SetTime(now, storeClock.Ahead);
        }

        // A connection that was replaced meanwhile gets no note, because its time may not precede that of its
        // replacement.
        opened = [.. opened.Where(_held.Contains)];
        await connections.NoteAsync(
            opened.Select(o => new TicketConnection(o.Key, o.Value.Stream.Id, new(o.Value.Last, TimeSpan.Zero))),
            cancellationToken
        );

        foreach (var (_, noted) in opened)
            noted.IsNoted = true;
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        // Reads the last five seconds again: rows of a slow statement become visible late.
        var from = (_seen ?? _idleAt) - TimeSpan.FromSeconds(5);
        foreach (
            var ((ticket, connection, openedAt), notedAt) in await connections.NotedAfterAsync(from, cancellationToken)
        )
        {
            if (_seen is null || notedAt > _seen)
                _seen = notedAt;
            if (!_held.TryGetValue(ticket, out var here) || here.Stream.Id == connection)
                continue;

            if (here.IsTimed && openedAt.UtcTicks >= here.Last)
                here.Stream.Replace();
            else
                // The row is of the connection that this stream replaced. This stream's own row is not stored yet, or
                // was lost.
                here.IsNoted = false;
        }
    }
}
