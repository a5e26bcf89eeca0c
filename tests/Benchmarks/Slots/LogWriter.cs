using System.Diagnostics;
using Npgsql;

namespace Benchmarks.Slots;

/// <summary>Appends events in one transaction every 20 ms, past StreamApi, so that no replica's CPU is spent on
/// it.</summary>
internal sealed class LogWriter(string eventStore) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private static readonly string Data = $$"""{"padding":"{{new string('x', 86)}}"}""";

    private readonly NpgsqlDataSource _store = NpgsqlDataSource.Create(eventStore);

    /// <summary>Appends drawn events. Returns their number.</summary>
    public async Task<long> WriteAsync(ZipfTopics topics, int rate, TimeSpan time, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var (drawn, written) = (0L, 0L);
        await using var connection = await _store.OpenConnectionAsync(cancellationToken);
        while (clock.Elapsed < time)
        {
            var batch = new List<string>();
            // Not more than a second's events at once, if the machine is too slow for the rate.
            for (var due = (long)(clock.Elapsed.TotalSeconds * rate); drawn < due && batch.Count < rate; drawn++)
                batch.Add(topics.Next());
            if (batch.Count > 0)
                await AppendAsync(connection, batch, cancellationToken);
            written += batch.Count;
            var wait = Interval - TimeSpan.FromTicks(clock.Elapsed.Ticks % Interval.Ticks);
            await Task.Delay(wait, cancellationToken);
        }
        return written;
    }

    private static async Task AppendAsync(
        NpgsqlConnection connection,
        List<string> topics,
        CancellationToken cancellationToken
    )
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            """
            insert into eventstore.events (position, id, topic, type, key, data, traceparent, time)
            select p.first + t.n - 1, gen_random_uuid(), t.topic, 'n', null, $2, null, clock_timestamp()
            from eventstore.take_positions($3) as p(first), unnest($1) with ordinality as t(topic, n)
            """,
            connection,
            transaction
        );
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. topics] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Data });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = topics.Count });
        await using (var locked = new NpgsqlCommand("select eventstore.lock_log()", connection, transaction))
            await locked.ExecuteNonQueryAsync(cancellationToken);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await using (var notify = new NpgsqlCommand("select pg_notify('eventstore', '')", connection, transaction))
            await notify.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
