using System.Globalization;
using Harness;
using Npgsql;

namespace Integration.Delivery;

/// <summary>Plays one sequence of steps on the running system, on its own topics; then repairs everything and checks
/// every reader.</summary>
internal sealed class ModelRun
{
    private static int _runs;

    private readonly World _system;
    private readonly UnreliableChannel _channel;
    private readonly string _topics;
    private readonly ModelReader[] _readers;
    private readonly List<(NpgsqlConnection Connection, NpgsqlTransaction Transaction)> _open = [];
    private readonly List<string> _acknowledged = [];
    private int _number;

    public ModelRun(World system, UnreliableChannel channel, string topics)
    {
        _system = system;
        _channel = channel;
        _topics = topics;
        _readers =
        [
            new($"topic={topics}.%3E", _ => true),
            new($"topic={topics}.*", _ => true),
            new($"topic={topics}.0", e => e.Topic == topics + ".0"),
            new($"topic={topics}.%3E&type=even", e => e.Type is "even"),
            new($"topic={topics}.1&topic={topics}.2&key=k0", e => e.Topic != topics + ".0" && e.Key == "k0"),
        ];
    }

    public async Task PlayAsync(ModelStep[] steps)
    {
        try
        {
            for (var i = 0; i < _readers.Length; i++)
                await _readers[i].OpenAsync(Replica(i));

            // The steps alone may leave every message as it is.
            _channel.Treat(lost: 20, doubled: 20, held: 20, seed: Interlocked.Increment(ref _runs));

            foreach (var step in steps)
                await PlayAsync(step);

            await HealAsync();
            await JudgeAsync();
        }
        finally
        {
            foreach (var reader in _readers)
                await reader.DropAsync();
        }
    }

    private async Task PlayAsync(ModelStep step)
    {
        switch (step)
        {
            case ModelStep.Publish publish:
                await PublishAsync(publish);
                break;
            case ModelStep.Begin begin:
                await BeginAsync(begin);
                break;
            case ModelStep.Finish finish when _open.Count > 0:
                await FinishAsync(finish.Transaction % _open.Count, finish.Commit);
                break;

            case ModelStep.Drop drop:
                await Reader(drop.Reader).DropAsync();
                break;
            case ModelStep.Resume resume:
                await Reader(resume.Reader).OpenAsync(Replica(resume.Replica));
                break;
            case ModelStep.Stall stall:
                Reader(stall.Reader).Stall();
                break;
            case ModelStep.ReadOn readOn:
                Reader(readOn.Reader).ReadOn();
                break;

            case ModelStep.CatchUp:
                await CatchUpAsync();
                break;

            case ModelStep.Mistreat mistreat:
                _channel.Treat(mistreat.Lost, mistreat.Doubled, mistreat.Held, mistreat.Seed);
                break;
            case ModelStep.LoseRedis lose:
                await LoseRedisAsync(lose.How);
                break;
            case ModelStep.HealRedis:
                _system.Redis.Heal();
                break;
            case ModelStep.ChangeLeader change:
                await ChangeLeaderAsync(change.Frozen);
                break;
            case ModelStep.Restart restart:
                await RestartAsync(_system.Replicas[restart.Replica % _system.Replicas.Count]);
                break;
        }
    }

    private async Task PublishAsync(ModelStep.Publish publish)
    {
        var replica = _system.Replicas[publish.Replica % _system.Replicas.Count];
        var events = Enumerable
            .Range(0, publish.Count)
            .Select(_ => new EventBody(
                Topic(publish.Topic),
                Type(++_number),
                new { n = _number, pad = new string('x', publish.Bytes) },
                $"k{_number % 3}"
            ));
        _acknowledged.AddRange(await World.PublishAsync(replica, [.. events]));
    }

    /// <summary>Adds an event to the outbox in a transaction that stays open.</summary>
    private async Task BeginAsync(ModelStep.Begin begin)
    {
        var connection = await _system.Database.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await connection.AddToOutboxAsync(
            new NewEvent(Topic(begin.Topic), Type(++_number), $$"""{"n":{{_number}}}"""),
            transaction
        );
        _open.Add((connection, transaction));
    }

    /// <summary>Breaks the services' connections to Redis. Events come from Postgres until it is repaired.</summary>
    private async Task LoseRedisAsync(RedisFault how)
    {
        switch (how)
        {
            case RedisFault.Cut:
                _system.Redis.Cut();
                break;
            case RedisFault.Frozen:
                _system.Redis.Freeze();
                break;
            case RedisFault.Swallowed:
                _system.Redis.Swallow();
                break;
        }

        for (var replica = 0; replica < _system.Replicas.Count; replica++)
            await PublishAsync(new(replica, Topic: replica, Count: 3, Bytes: 1));

        await CatchUpAsync();
    }

    /// <summary>Kills the leader, or freezes it, until another one leads.</summary>
    private async Task ChangeLeaderAsync(bool freeze)
    {
        var leader = await _system.LeaderAsync();
        _system.Broadcasters.Remove(leader);

        if (!freeze)
        {
            leader.Process.Kill();
            await _system.LeaderAsync();
            await _system.StartBroadcasterAsync(asProcess: true);
            return;
        }

        leader.Process.Freeze();
        await _system.LeaderAsync();
        leader.Process.Thaw();
        await Eventually.HoldsAsync(
            async () => !await World.LeadsAsync(leader),
            "the thawed leader knows that it leads no more"
        );
        _system.Broadcasters.Add(leader);
    }

    /// <summary>Ends a replica at once, whose readers lose their connections, and starts another.</summary>
    private async Task RestartAsync(RunningService replica)
    {
        await replica.DisposeAsync();
        _system.Replicas.Remove(replica);
        foreach (var reader in _readers.Where(r => r.Server == replica.Url))
            await reader.DropAsync();
        await _system.StartReplicaAsync(new() { ["AspireSse__EventStore__Channel"] = _channel.To });
    }

    private async Task CatchUpAsync()
    {
        var log = await LogAsync();
        foreach (var reader in _readers.Where(r => r.IsReading))
            await reader.WaitForAsync(log.Count(reader.Matches));
    }

    private async Task HealAsync()
    {
        _system.Redis.Heal();
        _channel.Treat(0, 0, 0, 0);

        while (_open.Count > 0)
            await FinishAsync(0, commit: true);

        for (var i = 0; i < _readers.Length; i++)
        {
            _readers[i].ReadOn();
            await _readers[i].OpenAsync(Replica(i + 1));
        }
    }

    private async Task JudgeAsync()
    {
        await Eventually.HoldsAsync(
            async () => await _system.Database.AskAsync<long>("select count(*) from eventstore.outbox") == 0,
            "what was committed is in the log"
        );

        var log = await LogAsync();
        Assert.Equal(_acknowledged, log.Select(e => e.Id).Where(_acknowledged.ToHashSet().Contains));

        foreach (var reader in _readers)
        {
            var expected = log.Where(reader.Matches).Select(e => (e.Id, e.Number)).ToList();
            await reader.WaitForAsync(expected.Count);
            Assert.Equal(expected, await reader.DropAsync());
        }
    }

    private async Task FinishAsync(int index, bool commit)
    {
        var (connection, transaction) = _open[index];
        _open.RemoveAt(index);

        if (commit)
            await transaction.CommitAsync();
        else
            await transaction.RollbackAsync();

        await connection.DisposeAsync();
    }

    private async Task<List<ModelEvent>> LogAsync()
    {
        await using var command = _system.Database.CreateCommand(
            "select eventstore.epoch() || '-' || position, topic, type, key, (data::json ->> "
                + "'n')::int from eventstore.events where topic like $1 order by position"
        );
        command.Parameters.AddWithValue(_topics + ".%");

        await using var rows = await command.ExecuteReaderAsync();
        var log = new List<ModelEvent>();
        while (await rows.ReadAsync())
            log.Add(
                new(
                    rows.GetString(0),
                    rows.GetString(1),
                    rows.GetString(2),
                    rows.IsDBNull(3) ? null : rows.GetString(3),
                    rows.GetInt32(4)
                )
            );

        return log;
    }

    private ModelReader Reader(int number) => _readers[number % _readers.Length];

    private Uri Replica(int number) => _system.Replicas[number % _system.Replicas.Count].Url;

    private string Topic(int number) => string.Create(CultureInfo.InvariantCulture, $"{_topics}.{number % 3}");

    private static string Type(int number) => number % 2 == 0 ? "even" : "odd";
}

internal sealed record ModelEvent(string Id, string Topic, string Type, string? Key, int Number);

/// <summary>A client that drops, stalls and resumes with its last id, and keeps what it got.</summary>
internal sealed class ModelReader(string filter, Func<ModelEvent, bool> matches)
{
    private readonly List<(string Id, int Number)> _got = [];
    private SseReader? _open;
    private string? _lastId;
    private bool _isStalled;

    /// <summary>The replica that it reads, or null while it is away.</summary>
    public Uri? Server { get; private set; }

    public bool IsReading => _open is not null && !_isStalled;

    public bool Matches(ModelEvent expected) => matches(expected);

    public async Task OpenAsync(Uri server)
    {
        if (_open is not null)
            return;
        _open = await SseReader.OpenAtAsync(server, "/v1/events/stream?" + filter, _lastId);
        Server = server;
    }

    public async Task<IReadOnlyList<(string Id, int Number)>> DropAsync()
    {
        if (_open is not { } open)
            return _got;

        _open = null;
        Server = null;
        _isStalled = false;
        open.ReadOn();
        await open.DisposeAsync();
        Assert.DoesNotContain(open.Frames, f => f.Event is "resync" or "skipped" or "error");
        _lastId = open.LastId ?? _lastId;
        _got.AddRange(Events(open));

        return _got;
    }

    public void Stall()
    {
        _isStalled = _open is not null;
        _open?.Stall();
    }

    public void ReadOn()
    {
        _isStalled = false;
        _open?.ReadOn();
    }

    public Task WaitForAsync(int count) => _open!.WaitAsync(open => _got.Count + open.Events.Count() >= count);

    private static IEnumerable<(string Id, int Number)> Events(SseReader reader) =>
        reader.Events.Select(e =>
            (e.Id!, System.Text.Json.JsonDocument.Parse(e.Data!).RootElement.GetProperty("n").GetInt32())
        );
}
