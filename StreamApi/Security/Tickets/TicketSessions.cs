using System.Collections.Concurrent;
using EventStore;
using Npgsql;
using NpgsqlTypes;
using StreamApi.Seeds.Resilient;
using Streaming.Access;
using Streaming.Connections;

namespace StreamApi.Security.Tickets;

/// <summary>
/// One connection a ticket: a new one replaces the old. On the same replica at once; on others about a second later,
/// told through
/// Postgres: nothing waits for it, and while Postgres is away both may live.
/// </summary>
internal sealed class TicketSessions(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    TimeProvider clock,
    ILogger<TicketSessions> logger
) : RestartingService(logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500),
        Forgotten = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<Guid, OpenStream> _holders = new();
    private readonly ConcurrentDictionary<Guid, (string Connection, DateTimeOffset At)> _opened = new();
    private DateTimeOffset _seen = DateTimeOffset.UnixEpoch;
    private long _sweepAt;

    /// <summary>The ticket as streams hold it.</summary>
    public IStreamSession SessionOf(Guid ticket) => new Session(this, ticket);

    private void Enter(Guid ticket, OpenStream stream)
    {
        OpenStream? before = null;
        _holders.AddOrUpdate(
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
        _holders.TryRemove(new KeyValuePair<Guid, OpenStream>(ticket, stream));

    private sealed class Session(TicketSessions holders, Guid ticket) : IStreamSession
    {
        public void Enter(OpenStream stream) => holders.Enter(ticket, stream);

        public void Leave(OpenStream stream) => holders.Leave(ticket, stream);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (_holders.IsEmpty && _opened.IsEmpty)
                    continue;
                try
                {
                    await TellAsync(stoppingToken);
                    await HearAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    Logger.LogDebug("Which connection has which ticket could not be told: {Reason}", e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        var opened = _opened.ToArray();
        if (opened.Length == 0)
            return;
        // In one order, or two replicas' statements could wait for each other.
        Array.Sort(opened, (a, b) => a.Key.CompareTo(b.Key));
        await using var command = store.CreateCommand(
            """
            insert into eventstore.ticket_holders as h select t, c, at, clock_timestamp() from unnest($1, $2, $3) as o(t, c, at)
            on conflict (ticket) do update set connection = excluded.connection, opened_at = excluded.opened_at, told_at = excluded.told_at
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
        if (Environment.TickCount64 < _sweepAt)
            return;
        _sweepAt = Environment.TickCount64 + (long)TimeSpan.FromHours(1).TotalMilliseconds;
        await using var sweep = store.CreateCommand(
            "delete from eventstore.ticket_holders where told_at < clock_timestamp() - $1"
        );
        sweep.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = Forgotten });
        await sweep.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task HearAsync(CancellationToken cancellationToken)
    {
        // Some seconds twice: a statement that took long shows its rows late.
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
            // What was opened here meanwhile is newer, and will be told.
            if (_holders.TryGetValue(ticket, out var here) && here.Id != connection && !_opened.ContainsKey(ticket))
                here.Stop(EndReason.Replaced);
        }
    }
}
