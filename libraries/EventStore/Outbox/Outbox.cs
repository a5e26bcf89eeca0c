using Npgsql;

namespace EventStore;

/// <summary>Events that commit together with a change of the caller's own tables. Thread-safe.</summary>
internal static class Outbox
{
    /// <summary>Maximum bytes of an event's data in the outbox.</summary>
    public const int MaxDataBytes = 1024 * 1024;

    private const string Sql =
        "insert into eventstore.outbox (id, topic, type, key, data, traceparent) values ($1, $2, $3, $4, $5, $6)";

    /// <summary>Returns a command that writes events in the caller's transaction, in this order and in one round trip.
    /// Each event has an id, so that it enters the log once even if it is written twice.</summary>
    /// <param name="transaction">The connection's transaction, or null if there is none or it is an ambient
    /// one.</param>
    /// <param name="notifies">False if the commit must not wake the Broadcaster. The caller then calls
    /// <see cref="WakeAsync"/> after the commit, or the events wait for the Broadcaster's next poll.</param>
    public static NpgsqlBatch Insert(
        NpgsqlConnection connection,
        NpgsqlTransaction? transaction,
        IReadOnlyList<NewEvent> events,
        bool notifies = true
    )
    {
        var batch = new NpgsqlBatch(connection, transaction);
        if (!notifies)
            batch.BatchCommands.Add(new("select set_config('eventstore.wakes_relay', 'itself', true)"));
        foreach (var published in events)
        {
            var command = new NpgsqlBatchCommand(Sql);
            Fill(command.Parameters, published);
            batch.BatchCommands.Add(command);
        }

        return batch;
    }

    /// <summary>Wakes the Broadcaster after a commit with events, which otherwise wait for its next poll
    /// (<see cref="EventStoreOptions.PollMilliseconds"/>). Does nothing if Postgres does not answer.</summary>
    public static async Task WakeAsync(NpgsqlConnection connection)
    {
        await using var wake = new NpgsqlCommand("select pg_notify('eventstore_outbox', '')", connection);
        try
        {
            await wake.ExecuteNonQueryAsync();
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the events are committed, and the next poll finds them */
        }
    }

    /// <summary>Waits until every row that the connection sees now has left the outbox. A move that began before may
    /// leave the lower numbers, so none of the rows stands for all.</summary>
    public static async Task WaitAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // No row that is seen has a lower number, so the questions pass none that was moved before. As text, because
        // Npgsql reads void as null.
        const string Now = "select min(ordinal), pg_current_snapshot()::text from eventstore.outbox";
        const string PauseWhileThere = """
            select pg_sleep(0.01)::text from eventstore.outbox
            where ordinal >= $1 and pg_visible_in_snapshot(writer, $2::pg_snapshot) limit 1
            """;
        await using var waiting = new NpgsqlCommand(PauseWhileThere, connection);
        await using var seen = new NpgsqlCommand(Now, connection);
        var (first, look) = await seen.RowAsync(row => (row.NumberOrNull(0), row.GetString(1)));
        if (first is null)
            return;

        waiting.With(first.Value).With(look);
        do cancellationToken.ThrowIfCancellationRequested();
        while (await waiting.ExecuteScalarAsync(CancellationToken.None) is not null);
    }

    private static void Fill(NpgsqlParameterCollection parameters, NewEvent published)
    {
        parameters.Add(new NpgsqlParameter<Guid> { TypedValue = published.Id ?? Guid.CreateVersion7() });

        foreach (
            var value in (ReadOnlySpan<string?>)
                [published.Topic, published.Type, published.Key, published.Data, published.TraceParent]
        )
            parameters.Add(new NpgsqlParameter<string?> { TypedValue = value });
    }

    /// <summary>Moves committed rows into the log in the order in which they were written, and invalid rows into
    /// <c>eventstore.outbox_refused</c>, and drops repeated rows. Moves nothing if the fence is outdated.</summary>
    /// <param name="look">The <see cref="OutboxMove.Looked"/> of the move before, or an empty text.</param>
    /// <param name="cancellationToken">Ends the wait; the rows may be moved nevertheless.</param>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    /// <exception cref="TimeoutException">Postgres does not answer in time.</exception>
    public static Task<OutboxMove> RelayAsync(
        NpgsqlDataSource store,
        string lease,
        long fence,
        int most,
        string look,
        CancellationToken cancellationToken
    ) =>
        store.RunAsync(
            "select moved, refused, looked from eventstore.move_outbox($1, $2, $3, $4)",
            command =>
                command
                    .With(lease)
                    .With(fence)
                    .With(most)
                    .With(look)
                    .RowAsync(row => new OutboxMove(row.GetInt32(0), row.GetFieldValue<string[]>(1), row.GetString(2))),
            cancellationToken
        );
}

/// <summary>The number of rows that left the outbox, refused rows included, and the number, topic and reason of each
/// refused row.</summary>
/// <param name="Looked">What the moves have seen: no row of it still waits.</param>
internal readonly record struct OutboxMove(int Rows, IReadOnlyList<string> Refused, string Looked);
