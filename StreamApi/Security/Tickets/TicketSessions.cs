using System.Collections.Concurrent;
using EventStore;
using Npgsql;
using NpgsqlTypes;
using Streaming.Access;
using Streaming.Connections;

namespace StreamApi.Security.Tickets;

/// <summary>
/// Allows one connection per ticket: a new one replaces the old. Replicas learn of each other's connections through
/// Postgres about a second later; while Postgres is down both may live.
/// </summary>
internal sealed class TicketSessions(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    TimeProvider clock,
    ILogger<TicketSessions> logger
) : RestartingService(logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500),
        Retention = TimeSpan.FromDays(1),
        SweepInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<Guid, OpenStream> _streams = new();
    private readonly ConcurrentDictionary<Guid, (string Connection, DateTimeOffset At)> _opened = new();
    private DateTimeOffset _seen = DateTimeOffset.UnixEpoch;
    private long _sweptAt;

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
        _opened[ticket] = (stream.Id, clock.GetUtcNow());
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
        using var timer = new PeriodicTimer(Interval, clock);
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
        // One order, or two replicas' statements could deadlock.
        Array.Sort(opened, (a, b) => a.Key.CompareTo(b.Key));
        await using var command = store.CreateCommand(
            """
            insert into eventstore.ticket_holders as h
            select t, c, at, clock_timestamp() from unnest($1, $2, $3) as o(t, c, at)
            on conflict (ticket) do update set connection = excluded.connection,
                opened_at = excluded.opened_at, told_at = excluded.told_at
            where excluded.opened_at > h.opened_at
            """
        );
        command.Parameters.Add(
            new NpgsqlParameter<Guid[]>
            {
                TypedValue = [.. opened.Select(o => o.Key)],
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
            }
        );
        command.Parameters.Add(
            new NpgsqlParameter<string[]>
            {
                TypedValue = [.. opened.Select(o => o.Value.Connection)],
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            }
        );
        command.Parameters.Add(
            new NpgsqlParameter<DateTimeOffset[]>
            {
                TypedValue = [.. opened.Select(o => o.Value.At)],
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
            }
        );
        await command.ExecuteNonQueryAsync(cancellationToken);
        foreach (var one in opened)
            _opened.TryRemove(one);
        if (_sweptAt != 0 && clock.GetElapsedTime(_sweptAt) < SweepInterval)
            return;
        _sweptAt = clock.GetTimestamp();
        await using var sweep = store.CreateCommand(
            "delete from eventstore.ticket_holders where told_at < clock_timestamp() - $1"
        );
        sweep.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Retention });
        await sweep.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        // Reads the last seconds twice, because a slow statement commits its rows late.
        await using var command = store.CreateCommand(
            "select ticket, connection, told_at from eventstore.ticket_holders where told_at > $1"
        );
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = _seen - TimeSpan.FromSeconds(5) });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var (ticket, connection, at) = (row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2));
            if (at > _seen)
                _seen = at;
            // A connection opened here meanwhile is newer and will be published.
            if (_streams.TryGetValue(ticket, out var here) && here.Id != connection && !_opened.ContainsKey(ticket))
                here.Stop(EndReason.Replaced);
        }
    }
}
