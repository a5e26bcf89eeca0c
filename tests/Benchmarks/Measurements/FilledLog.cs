using Npgsql;

namespace Benchmarks.Measurements;

/// <summary>Fills a log directly, faster than by publishing.</summary>
internal static class FilledLog
{
    private const int Chunk = 500_000;

    /// <summary>Adds events until the log has this number. Their topics, <c>t.0.a</c> to <c>t.(topics-1).a</c>,
    /// alternate.</summary>
    public static async Task FillAsync(
        string connectionString,
        long size,
        int topics,
        CancellationToken cancellationToken
    )
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        await using var head = store.CreateCommand("select eventstore.head()");
        for (var filled = (long)(await head.ExecuteScalarAsync(cancellationToken))!; filled < size; filled += Chunk)
        {
            Console.Error.WriteLine($"filling: {filled} of {size} events");
            await using var fill = store.CreateCommand(
                $$"""
                select eventstore.ensure_partition(p * 1000000) from generate_series(0, {{size / 1_000_000}}) p;
                insert into eventstore.events (position, id, topic, type, key, data, time)
                select nextval('eventstore.position'), gen_random_uuid(),
                       't.' || (n::bigint * 7919) % {{topics}} || '.a', 'n', null,
                       '{"n":' || n || ',"text":"' || repeat('x', 80) || '"}', now()
                from generate_series({{filled}} + 1, least({{filled}} + {{Chunk}}, {{size}})) n
                """
            );
            fill.CommandTimeout = 0;
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Collects statistics and vacuums, so that neither happens during a measurement.</summary>
    public static async Task SettleAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        await using var settle = store.CreateCommand("vacuum analyze eventstore.events, eventstore.topics");
        settle.CommandTimeout = 0;
        await settle.ExecuteNonQueryAsync(cancellationToken);
    }
}
