using Npgsql;

namespace Benchmarks.Servers;

/// <summary>Fills a store with events of a hundred topics in turn, <c>history.0.0</c> to <c>history.9.9</c>. The last
/// row of each tenth of the log is of <see cref="Rare"/> instead.</summary>
internal static class LogFill
{
    public const string Rare = "history.rare";
    private const int Step = 1_000_000;

    public static async Task RunAsync(
        string store,
        long rows,
        Action<string> progress,
        CancellationToken cancellationToken
    )
    {
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(store) { CommandTimeout = 0 }
        );

        for (var filled = 0L; filled < rows; filled += Step)
        {
            progress($"filling a log with {rows:N0} rows: {filled:N0}");
            await ExecuteAsync(Insert(Math.Min(rows, Step), rows));
        }

        // What autovacuum does after so many inserts, and the writes that would be left for later.
        foreach (var table in (string[])["events", "topics", "topic_parts"])
            await ExecuteAsync($"vacuum (analyze) eventstore.{table}");
        await ExecuteAsync("checkpoint");

        async Task ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Returns a statement that appends events of 120 bytes and lists their topics.</summary>
    private static string Insert(long number, long rows) =>
        $"""
            do $$
            declare
                first bigint;
            begin
                perform eventstore.lock_log();
                first := eventstore.take_positions({number});

                insert into eventstore.events (position, id, topic, type, data, time)
                select p, gen_random_uuid(),
                    case when p % {rows / 10} = 0 then '{Rare}'
                        else concat_ws('.', 'history', (p - 1) / 10 % 10, (p - 1) % 10) end,
                    'event', rpad(concat('{"{"}"n":', p, ',"pad":"'), 118, 'x') || '"{"}"}',
                    clock_timestamp()
                from generate_series(first, first + {number - 1}) p;

                perform eventstore.list_topics({number});
            end $$
            """;
}
