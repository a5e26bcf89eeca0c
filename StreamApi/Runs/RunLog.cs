using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using EventStore;
using Npgsql;
using StreamApi.Streaming.Feed;

namespace StreamApi.Runs;

/// <summary>
/// The runs as the store knows them. A run is announced in the log before its first event, so that every id of its stream names it, and
/// any replica finds it by such an id.
/// </summary>
internal sealed class RunLog(NpgsqlDataSource store, EventAppender appender, TopicReader topics, RunLeases leases, LiveFeed feed, ILogger<RunLog> logger)
{
    public const string Announcement = "announced";

    /// <summary>Runs with an id of their own that may or may not have begun, since Postgres did not answer, and for whom. They are given up before they are begun again.</summary>
    private readonly ConcurrentDictionary<RunName, Guid> _unsure = [];

    private static readonly RunEvent[] DefaultWill = [RunEvent.Failed("The server that wrote this stopped before it was finished.", "interrupted")];

    /// <summary>Starts a run: from here on it is this replica's, and goes on until it is ended. Give it to <see cref="LiveRuns"/>.</summary>
    /// <param name="kind">First token of its topic.</param>
    /// <param name="announcement">What a reader of the run's state finds first; null where it was announced before.</param>
    /// <param name="id">Its id, where it has one already; null makes one.</param>
    /// <param name="will">What ends the run in this replica's place if that dies; null: a fatal error, <c>interrupted</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where a run of this name goes on already.</returns>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<Run?> TryBeginAsync(string kind, object? announcement, string? id = null, IReadOnlyList<RunEvent>? will = null, CancellationToken cancellationToken = default)
    {
        await feed.Started.WaitAsync(cancellationToken);
        var name = new RunName(kind, id ?? Guid.CreateVersion7().ToString("N"));
        var writer = await leases.WriterAsync(cancellationToken);
        if (_unsure.TryGetValue(name, out var before))
        {
            await ReleaseAsync(name, before);
            _unsure.TryRemove(name, out _);
        }
        try
        {
            // To the end, whoever goes meanwhile: a run that is begun and written by nobody would be in its own way.
            if (!await BeginAsync(name, writer, will ?? DefaultWill)) return null;
            if (announcement is null) return new Run(name, writer, default, this);
            var appended = await appender.AppendAsync([new NewEvent(name.Log, Announcement, JsonSerializer.Serialize(announcement, RunJson.Options), TraceParent: Activity.Current?.Id)], CancellationToken.None);
            return new Run(name, writer, appended[0].At, this);
        }
        catch (StoreUnavailableException) when (id is not null)
        {
            _unsure[name] = writer;
            throw;
        }
    }

    /// <summary>A run with a fresh id.</summary>
    public async Task<Run> BeginAsync(string kind, object announcement, CancellationToken cancellationToken = default) =>
        await TryBeginAsync(kind, announcement, cancellationToken: cancellationToken) ?? throw new StoreUnavailableException("This server's lease was just lost.");

    /// <summary>The run that an id names; null where it names none of this kind.</summary>
    public async Task<RunName?> FindAsync(string kind, StreamId id, CancellationToken cancellationToken) =>
        await topics.TopicAtAsync(id, cancellationToken) is { } topic && RunName.Of(topic) is { } name && name.Kind == kind ? name : null;

    /// <summary>Everything of a run in order, its log's events among it; empty where there is no such run.</summary>
    public Task<RunRecord> ReadAsync(RunName name, CancellationToken cancellationToken) =>
        store.AskAsync<RunRecord>("""
            select eventstore.epoch(), exists (select from eventstore.runs where run = $1), e.position, e.topic, e.type, e.key, e.data, e.time
            from (values (1)) one left join eventstore.events e on e.topic in ($1, $2) order by e.position
            """, async command =>
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Topic });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Log });
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            var (epoch, goesOn, events) = ("", false, new List<RunEntry>());
            while (await row.ReadAsync(cancellationToken))
            {
                (epoch, goesOn) = (row.GetString(0), row.GetBoolean(1));
                if (!row.IsDBNull(2)) events.Add(new RunEntry(row.GetInt64(2), row.GetString(3) == name.Log, row.GetString(4), row.IsDBNull(5) ? null : row.GetString(5), row.GetString(6), row.GetFieldValue<DateTimeOffset>(7)));
            }
            return new RunRecord(epoch, goesOn, events);
        });

    /// <summary>Where a run was announced; null where there is no such run.</summary>
    public Task<StreamId?> AnnouncedAsync(RunName name, CancellationToken cancellationToken) => store.AskAsync<StreamId?>("select eventstore.epoch(), (select position from eventstore.events where topic = $1 order by position limit 1)", async command =>
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Log });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return row.IsDBNull(1) ? null : new StreamId(row.GetString(0), row.GetInt64(1));
    });

    /// <summary>The user whose request began the run; null where nobody was named.</summary>
    public Task<string?> OwnerAsync(RunName name, CancellationToken cancellationToken) => store.AskAsync<string?>("select data::jsonb ->> 'owner' from eventstore.events where topic = $1 order by position limit 1", async command =>
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Log });
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    });

    /// <summary>Asks the writer, on whichever replica, to stop. False where no such run goes on.</summary>
    public Task<bool> CancelAsync(RunName name, CancellationToken cancellationToken) => store.AskAsync<bool>("select eventstore.cancel_run($1)", async command =>
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Topic });
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    });

    /// <summary>Gives up a run that turned out to have nothing to write.</summary>
    public Task ReleaseAsync(Run run) => ReleaseAsync(run.Name, run.Writer);

    private Task<int> ReleaseAsync(RunName name, Guid writer) => store.AskAsync("delete from eventstore.runs where run = $1 and writer = $2", command =>
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Topic });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        return command.ExecuteNonQueryAsync();
    });

    /// <summary>Puts an event into a run's log, whoever writes the run.</summary>
    public async Task<StreamId> NoteAsync(RunName name, RunEvent e, CancellationToken cancellationToken)
    {
        var appended = await appender.AppendAsync([new NewEvent(name.Log, e.Type, e.Data, e.Key, TraceParent: Activity.Current?.Id)], cancellationToken);
        return appended[0].At;
    }

    /// <summary>Appends, and tries again while the store is away: what was stored by a try that got no answer is not stored twice.</summary>
    public async Task AppendAsync(Run run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = new NewEvent[events.Count];
        for (var i = 0; i < batch.Length; i++)
            batch[i] = new NewEvent(run.Name.Topic, events[i].Type, events[i].Data, events[i].Key, Guid.CreateVersion7(), Run: new RunMark(run.Writer, ends && i == batch.Length - 1));
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            try
            {
                if (delay > 100 && await IsStoredAsync(run.Name.Topic, batch[0].Id!.Value)) return;
                await appender.AppendAsync(batch);
                return;
            }
            catch (StoreUnavailableException e)
            {
                // Fenced would be known by the lease; a stopping server leaves the run to the others, who end it by its will.
                if (leases.Stopped || run.StopReason == RunStop.Fenced) throw new RunFencedException(run.Name.Topic);
                logger.LogDebug(e, "Run {Run} waits for the store", run.Name.Topic);
                await Task.Delay(delay + Random.Shared.Next(delay));
            }
        }
    }

    private Task<bool> BeginAsync(RunName name, Guid writer, IReadOnlyList<RunEvent> will) => store.AskAsync<bool>("select eventstore.begin_run($1, $2, $3::jsonb)", async command =>
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name.Topic });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(will, RunJson.Options)) });
        return (bool)(await command.ExecuteScalarAsync())!;
    });

    private async Task<bool> IsStoredAsync(string topic, Guid id)
    {
        try
        {
            // The log's lock: the try that got no answer may still be at its commit.
            await using var connection = await store.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using (var lockLog = new NpgsqlCommand("select eventstore.lock_log()", connection, transaction)) await lockLog.ExecuteNonQueryAsync();
            await using var command = new NpgsqlCommand("select exists (select from eventstore.events where topic = $1 and id = $2)", connection, transaction);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = topic });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
            return (bool)(await command.ExecuteScalarAsync())!;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException) { throw new StoreUnavailableException("Postgres does not answer.", e); }
    }
}

/// <summary>One stored event of a run; <see cref="OfLog"/> where readers of its stream do not get it.</summary>
internal sealed record RunEntry(long Position, bool OfLog, string Type, string? Key, string Data, DateTimeOffset Time);

/// <summary>A run as of one snapshot.</summary>
internal sealed record RunRecord(string Epoch, bool GoesOn, IReadOnlyList<RunEntry> Events)
{
    /// <summary>Where a reader starts that wants the run whole; null where there is no such run.</summary>
    public StreamId? Announced => Events.FirstOrDefault(e => e.OfLog) is { } first ? new StreamId(Epoch, first.Position) : null;
}
