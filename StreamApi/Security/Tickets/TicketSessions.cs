using System.Collections.Concurrent;
using EventStore;
using Npgsql;
using Streaming.Access;
using Streaming.Connections;

namespace StreamApi.Security.Tickets;

/// <summary>
/// Allows one connection per ticket: a new one replaces the old. Replicas learn of each other's connections through
/// Postgres about a second later; while Postgres is down both may live.
/// </summary>
internal sealed class TicketSessions(TicketConnections connections, TimeProvider clock, ILogger<TicketSessions> logger)
    : RestartingService(logger, clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500),
        Retention = TimeSpan.FromDays(1),
        SweepInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<Guid, OpenStream> _streams = new();
    private readonly ConcurrentDictionary<Guid, (string Connection, DateTimeOffset At)> _opened = new();
    private DateTimeOffset _seen = DateTimeOffset.UnixEpoch;
    private long? _sweptAt;

    /// <summary>The session that a stream of this ticket enters and leaves.</summary>
    public IStreamSession SessionOf(Guid ticket) => new Session(this, ticket);

    private void Enter(Guid ticket, OpenStream stream)
    {
        OpenStream? before = null;
        _streams.AddOrUpdate(
            ticket,
            stream,
            (_, old) =>
            {
                before = old;
                return stream;
            }
        );
        before?.Stop(EndReason.Replaced);
        _opened[ticket] = (stream.Id, Clock.GetUtcNow());
    }

    private void Leave(Guid ticket, OpenStream stream) =>
        _streams.TryRemove(new KeyValuePair<Guid, OpenStream>(ticket, stream));

    private sealed class Session(TicketSessions sessions, Guid ticket) : IStreamSession
    {
        public void Enter(OpenStream stream) => sessions.Enter(ticket, stream);

        public void Leave(OpenStream stream) => sessions.Leave(ticket, stream);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (_streams.IsEmpty && _opened.IsEmpty)
                    continue;
                try
                {
                    await PublishAsync(stoppingToken);
                    await ReadAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    Logger.LogDebug("Ticket connections were not exchanged with other replicas: {Reason}", e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task PublishAsync(CancellationToken cancellationToken)
    {
        var opened = _opened.ToArray();
        if (opened.Length == 0)
            return;
        await connections.NoteAsync(
            opened.Select(o => new TicketConnection(o.Key, o.Value.Connection, o.Value.At)),
            cancellationToken
        );
        foreach (var one in opened)
            _opened.TryRemove(one);
        if (_sweptAt is { } swept && Clock.GetElapsedTime(swept) < SweepInterval)
            return;
        _sweptAt = Clock.GetTimestamp();
        await connections.ForgetAsync(Retention, cancellationToken);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        // Reads the last five seconds again: rows of a slow statement become visible late.
        var noted = await connections.NotedAfterAsync(_seen - TimeSpan.FromSeconds(5), cancellationToken);
        foreach (var (ticket, connection, at) in noted)
        {
            if (at > _seen)
                _seen = at;
            // A connection opened here meanwhile is newer and will be published.
            if (_streams.TryGetValue(ticket, out var here) && here.Id != connection && !_opened.ContainsKey(ticket))
                here.Stop(EndReason.Replaced);
        }
    }
}
