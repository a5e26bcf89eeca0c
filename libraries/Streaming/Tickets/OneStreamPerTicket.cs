using System.Collections.Concurrent;
using EventStore;
using Npgsql;
using Streaming.Access;
using Streaming.Fanout;

namespace Streaming.Tickets;

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
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500),
        Retention = TimeSpan.FromDays(1),
        SweepInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<Guid, Held> _streams = new();

    /// <summary>Connections that are not stored yet.</summary>
    private readonly ConcurrentDictionary<Guid, Held> _opened = new();

    /// <summary>Time of the last note that was read, by Postgres's clock; null: none yet.</summary>
    private DateTimeOffset? _seen;
    private DateTimeOffset _idleAt = clock.GetUtcNow();
    private string _epoch = "";
    private bool _recordsLost;
    private long? _sweptAt;

    private sealed class Held(ISessionStream stream, TimeProvider clock)
    {
        private static readonly TimeSpan Step = TimeSpan.FromMicroseconds(1); // of a time in Postgres

        private readonly DateTimeOffset _openedAt = clock.GetUtcNow();
        private readonly long _opened = clock.GetTimestamp();
        private Held? _replaced;

        public ISessionStream Stream => stream;

        /// <summary>Time of its opening by Postgres's clock; null until it is known.</summary>
        public DateTimeOffset? At { get; private set; }

        /// <summary>Time that <see cref="At"/> follows, whatever is measured: that of the stream before it on this
        /// replica.</summary>
        private DateTimeOffset? Before => _replaced?.At ?? _replaced?.Before;

        public void Follow(Held? replaced) => _replaced = replaced;

        /// <summary>Forgets times of a former server, which had a clock of its own.</summary>
        public void Forget()
        {
            At = null;
            _replaced = null;
        }

        /// <summary>
        /// Sets <see cref="At"/> by a time of Postgres's clock and the timestamps around it. The offset of the clocks
        /// decides within them: an answer may take longer than a client needs to open the next stream.
        /// </summary>
        public void SetAt((DateTimeOffset Now, long Asked, long Answered) store, TimeSpan ahead)
        {
            var latest = store.Now - clock.GetElapsedTime(_opened, store.Asked);
            var earliest = store.Now - clock.GetElapsedTime(_opened, store.Answered);
            var estimated = _openedAt + ahead;
            var at =
                estimated < earliest ? earliest
                : estimated > latest ? latest
                : estimated;

            At = Before + Step > at ? Before + Step : at;
            _replaced = null;
        }
    }

    /// <summary>The session that a stream of this ticket enters and leaves.</summary>
    public IStreamSession SessionOf(Guid ticket) => new Session(this, ticket);

    private void Enter(Guid ticket, ISessionStream stream)
    {
        var held = new Held(stream, Clock);
        Held? replaced = null;
        _streams.AddOrUpdate(
            ticket,
            held,
            (_, old) =>
            {
                replaced = old;
                return held;
            }
        );
        held.Follow(replaced);
        _opened[ticket] = held;
        replaced?.Stream.Replace();
    }

    private void Release(Guid ticket, ISessionStream stream)
    {
        if (_streams.TryGetValue(ticket, out var held) && held.Stream == stream)
            _streams.TryRemove(new KeyValuePair<Guid, Held>(ticket, held));
    }

    private sealed class Session(OneStreamPerTicket sessions, Guid ticket) : IStreamSession
    {
        public void Enter(ISessionStream stream) => sessions.Enter(ticket, stream);

        public void Leave(ISessionStream stream) => sessions.Release(ticket, stream);
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

    /// <summary>Notes this replica's connections, and ends those that another replica's have replaced.</summary>
    internal async Task ExchangeAsync(CancellationToken cancellationToken)
    {
        if (_streams.IsEmpty && _opened.IsEmpty)
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
            foreach (var held in _streams.Values.Concat(_opened.Values))
                held.Forget();
        }

        try
        {
            if (_recordsLost)
                foreach (var (ticket, held) in _streams)
                    _opened.TryAdd(ticket, held);
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
        var opened = _opened.ToArray();
        if (opened.Length == 0)
            return;

        Held[] untimed = [.. opened.Select(o => o.Value).Where(held => held.At is null)];
        if (untimed.Length > 0)
        {
            var now = await connections.NowAsync(Clock, cancellationToken);
            foreach (var held in untimed)
                held.SetAt(now, storeClock.Ahead);
        }

        await connections.NoteAsync(
            opened.Select(o => new TicketConnection(o.Key, o.Value.Stream.Id, o.Value.At!.Value)),
            cancellationToken
        );

        foreach (var noted in opened)
            _opened.TryRemove(noted);
        if (_sweptAt is { } swept && Clock.GetElapsedTime(swept) < SweepInterval)
            return;

        _sweptAt = Clock.GetTimestamp();
        await connections.ForgetAsync(Retention, cancellationToken);
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
            if (!_streams.TryGetValue(ticket, out var here) || here.Stream.Id == connection)
                continue;

            if (openedAt >= here.At)
                here.Stream.Replace();
            else
                // This row is of the connection that this stream replaced. Its own row is not stored yet, or was lost.
                _opened.TryAdd(ticket, here);
        }
    }
}
