using System.Collections.Concurrent;
using Npgsql;

namespace EventStore;

/// <summary>The running commands. They have no timeout of Npgsql, because its cancellation could end a commit before
/// the synchronous standby has it. A late command is cancelled once Postgres no longer runs it (docs/decisions/0038).
/// Thread-safe.</summary>
internal static class RunningCommands
{
    /// <summary>Sessions that run a command, or may run one unseen (of other roles, or without
    /// <c>track_activities</c>).</summary>
    private const string Busy = """
        select pid from pg_stat_activity
        where pid = any($1)
            and coalesce(state, '') not in ('idle', 'idle in transaction', 'idle in transaction (aborted)')
        """;

    private static readonly ConcurrentDictionary<NpgsqlCommand, Session> Running = [];

    private readonly record struct Session(string? Host, int Port, int Pid, long Start, int Seconds)
    {
        public bool IsLate => Seconds > 0 && TimeProvider.System.GetElapsedTime(Start) > TimeSpan.FromSeconds(Seconds);
    }

    /// <summary>Registers an open connection's command until the answer is disposed.</summary>
    public static Registration Add(NpgsqlCommand command)
    {
        var at = command.Connection!;
        var start = TimeProvider.System.GetTimestamp();
        Running[command] = new Session(at.Host, at.Port, at.ProcessID, start, at.CommandTimeout);
        return new Registration(command, at);
    }

    /// <summary>Cancels late commands that Postgres no longer runs, so that Npgsql closes their connections.</summary>
    public static async Task<(int Late, int Lost)> EndLostAsync(
        NpgsqlDataSource store,
        TimeSpan timeout,
        CancellationToken stopped
    )
    {
        if (!Running.Values.Any(session => session.IsLate))
            return default;

        var (asked, lost) = await store.RunAsync(Busy, FindAsync, timeout, stopped);
        // Each command is cancelled only once: another call would start Npgsql's wait for the cancellation again.
        foreach (var command in lost.Where(command => Running.TryRemove(command, out _)))
            _ = CommandCancellation.CancelAsync(command);

        return (asked, lost.Count);

        async Task<(int Asked, List<NpgsqlCommand> Lost)> FindAsync(NpgsqlCommand command)
        {
            // Another host has its own connections, and may still run its commands.
            var connection = command.Connection!;
            var late = Running
                .Where(r => r.Value.IsLate && r.Value.Host == connection.Host && r.Value.Port == connection.Port)
                .ToList();
            var asking = connection.ProcessID;
            var busy = await command
                .With(late.Select(r => r.Value.Pid).Append(asking).ToArray())
                .RowsAsync(row => row.GetInt32(0));

            // Postgres itself reports the asking session as busy. Behind a pooler, process ids belong to no session or
            // to others.
            if (!busy.Contains(asking))
                return (late.Count, []);

            return (late.Count, [.. late.Where(r => !busy.Contains(r.Value.Pid)).Select(r => r.Key)]);
        }
    }

    public sealed class Registration : IDisposable
    {
        /// <summary>The function of Postgres that warns when it stops waiting for a synchronous standby.</summary>
        private const string StandbyWait = "SyncRepWaitForLSN";

        private readonly NpgsqlCommand _command;
        private readonly NpgsqlConnection _connection;
        private readonly NoticeEventHandler _note;
        private bool _isReplicated = true;

        public Registration(NpgsqlCommand command, NpgsqlConnection connection)
        {
            _command = command;
            _connection = connection;
            _note = Note;
            _connection.Notice += _note;
        }

        /// <exception cref="NpgsqlException">No synchronous standby has confirmed the command's commit.</exception>
        public void CheckReplication()
        {
            if (!_isReplicated)
                throw new NpgsqlException("Postgres committed, but no synchronous standby has confirmed it.");
        }

        public void Dispose()
        {
            _connection.Notice -= _note;
            Running.TryRemove(_command, out _);
        }

        // WARNING: canceling wait for synchronous replication due to user request. The commit then looks successful.
        private void Note(object sender, NpgsqlNoticeEventArgs notice) =>
            _isReplicated &= notice.Notice.Routine != StandbyWait;
    }
}
