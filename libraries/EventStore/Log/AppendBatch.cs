using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>The requests of a group commit and the arrays for <c>eventstore.append</c>. Not thread-safe.</summary>
internal sealed class AppendBatch
{
    private readonly EventStoreOptions _limits;
    private readonly List<EventAppender.Request> _requests = [];
    private readonly HashSet<Guid> _chosenIds = [];
    private readonly List<int> _groups = [];
    private readonly List<Guid> _ids = [];
    private readonly List<byte[]?> _digests = [];
    private readonly List<string> _topics = [];
    private readonly List<string> _types = [];
    private readonly List<string> _data = [];
    private readonly List<string?> _keys = [];
    private readonly List<string?> _traceParents = [];
    private readonly List<Guid?> _writers = [];
    private readonly List<bool> _ends = [];
    private readonly NpgsqlParameter[] _parameters;
    private readonly NpgsqlParameter<List<Guid?>?> _writersSent;
    private readonly NpgsqlParameter<List<bool>?> _endsSent;
    private readonly NpgsqlParameter<bool> _directSent = new() { NpgsqlDbType = NpgsqlDbType.Boolean };
    private bool _hasRuns;
    private long _bytes;

    public AppendBatch(EventStoreOptions limits)
    {
        _limits = limits;
        _writersSent = Of(_writers, NpgsqlDbType.Uuid);
        _endsSent = Of(_ends, NpgsqlDbType.Boolean);
        _parameters =
        [
            Of(_groups, NpgsqlDbType.Integer),
            Of(_ids, NpgsqlDbType.Uuid),
            Of(_digests, NpgsqlDbType.Bytea),
            Of(_topics, NpgsqlDbType.Text),
            Of(_types, NpgsqlDbType.Text),
            Of(_keys, NpgsqlDbType.Text),
            Of(_data, NpgsqlDbType.Text),
            Of(_traceParents, NpgsqlDbType.Text),
            _writersSent,
            _endsSent,
            _directSent,
        ];
    }

    public int Events => _ids.Count;

    /// <summary>Bytes of the events' data.</summary>
    public long Bytes => _bytes;

    /// <summary>True if this process publishes the new events itself.</summary>
    public bool IsDirect
    {
        get => _directSent.TypedValue;
        set => _directSent.TypedValue = value;
    }

    public IReadOnlyList<EventAppender.Request> Requests => _requests;
    public IReadOnlyList<string?> TraceParents => _traceParents;

    public void Clear()
    {
        _requests.Clear();
        _chosenIds.Clear();
        _groups.Clear();
        _ids.Clear();
        _digests.Clear();
        _topics.Clear();
        _types.Clear();
        _data.Clear();
        _keys.Clear();
        _traceParents.Clear();
        _writers.Clear();
        _ends.Clear();
        _bytes = 0;
        _hasRuns = false;
    }

    /// <summary>Adds a request, or returns false if the batch is full or already has an id of the request: in the next
    /// batch that id is a retry or a conflict.</summary>
    public bool TryAdd(EventAppender.Request request)
    {
        if (_requests.Count > 0)
        {
            if (
                Events + request.Events.Count > _limits.MaxBatchEvents
                || _bytes + request.DataBytes > _limits.MaxCommitBytes
            )
                return false;
            foreach (var published in request.Events)
                if (EventAppender.Request.ChosenId(published) is { } chosen && _chosenIds.Contains(chosen))
                    return false;
        }

        for (var i = 0; i < request.Events.Count; i++)
        {
            var given = request.Events[i];
            if (EventAppender.Request.ChosenId(given) is { } chosen)
                _chosenIds.Add(chosen);

            _groups.Add(_requests.Count);
            _ids.Add(request.Ids[i]);
            _digests.Add(request.Digests[i]);
            _topics.Add(given.Topic);
            _types.Add(given.Type);
            _keys.Add(given.Key);
            _data.Add(given.Data);
            _traceParents.Add(given.TraceParent);
            _writers.Add(given.Run?.Writer);
            _ends.Add(given.Run is { Ends: true });
            _hasRuns |= given.Run is not null;
        }

        _bytes += request.DataBytes;
        _requests.Add(request);
        return true;
    }

    public async Task<StoredBatch> StoreAsync(NpgsqlCommand command)
    {
        Lend(command.Parameters);
        try
        {
            await using var row = await command.ExecuteReaderAsync();
            await row.ReadAsync();
            var stored = new StoredBatch(
                row.GetFieldValue<long?[]>(0),
                row.GetFieldValue<DateTimeOffset>(1),
                row.IsDBNull(2) ? null : row.GetInt64(2),
                row.GetString(3),
                row.IsDBNull(4) ? null : row.GetInt64(4)
            );

            // The row arrives before the commit, which only the end of the statement proves.
            while (await row.NextResultAsync()) { }

            return stored;
        }
        finally
        {
            command.Parameters.Clear();
        }
    }

    /// <summary>Lends the command the batch's parameters, whose types Npgsql then looks up only once.</summary>
    private void Lend(NpgsqlParameterCollection parameters)
    {
        _writersSent.TypedValue = _hasRuns ? _writers : null;
        _endsSent.TypedValue = _hasRuns ? _ends : null;
        foreach (var parameter in _parameters)
            parameters.Add(parameter);
    }

    private static NpgsqlParameter<List<T>?> Of<T>(List<T> values, NpgsqlDbType type) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    /// <summary>Answers each request with its part of the positions. A null position is a refused event.</summary>
    public void Complete(string epoch, long?[] positions)
    {
        var at = 0;
        foreach (var request in _requests)
        {
            var mine = positions.AsSpan(at, request.Ids.Length);
            at += request.Ids.Length;
            var appended = new AppendedEvent[mine.Length];
            var refused = false;
            for (var i = 0; i < mine.Length; i++)
            {
                refused |= mine[i] is null;
                appended[i] = new AppendedEvent(request.Ids[i], new StreamPosition(epoch, mine[i] ?? 0));
            }

            if (refused && request.Events.FirstOrDefault(e => e.Run is not null) is { } fenced)
                request.Completion.TrySetException(new RunFencedException(fenced.Topic));
            else if (refused)
                request.Completion.TrySetException(
                    new EventConflictException([
                        .. request.Events.Where(e => e.Id is not null).Select(e => e.Id!.Value),
                    ])
                );
            else
                request.Completion.TrySetResult(appended);
        }
    }

    /// <summary>Returns the events that are new in the log: those at or after <paramref name="first"/>.</summary>
    public CommittedEvents Committed(StoredBatch stored, long first)
    {
        var (positions, committedAt, _, epoch, previous) = stored;
        var records = new List<EventRecord>(positions.Length);

        for (var i = 0; i < positions.Length; i++)
        {
            if (!(positions[i] >= first))
                continue;
            records.Add(
                new EventRecord
                {
                    At = new StreamPosition(epoch, positions[i]!.Value),
                    Id = _ids[i],
                    Topic = _topics[i],
                    Type = _types[i],
                    Key = _keys[i],
                    Data = Encoding.UTF8.GetBytes(_data[i]),
                    Time = committedAt,
                    TraceParent = _traceParents[i],
                }
            );
        }

        return new CommittedEvents(epoch, previous ?? first - 1, records);
    }

    public void Fail(Exception error)
    {
        foreach (var request in _requests)
            request.Completion.TrySetException(error);
    }
}

/// <summary>The answer of <c>eventstore.append</c>.</summary>
internal readonly record struct StoredBatch(
    long?[] Positions,
    DateTimeOffset CommittedAt,
    long? First,
    string Epoch,
    long? Previous
);
