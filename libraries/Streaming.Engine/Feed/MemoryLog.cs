using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using EventStore;

namespace Streaming.Feed;

/// <summary>The log of one process without Postgres. Nothing of it outlives the process. Thread-safe.</summary>
internal sealed class MemoryLog(TimeProvider clock, IServiceProvider services) : IEventLog, ILogReader, IFeedStore
{
    public JsonSerializerOptions Json => ApplicationJson.Of(services);

    private const int PageEvents = 512;

    private readonly Lock _gate = new();
    private readonly Lineage _lineage = Lineage.Alone(Guid.NewGuid().ToString("N"));

    /// <summary>The event at position 1, and so on, or null if it was erased.</summary>
    private readonly List<EventRecord?> _events = [];

    /// <summary>The place of each event, which its id keeps when it is erased, and a digest of its content.</summary>
    private readonly Dictionary<Guid, (StreamPosition At, string Digest)> _byId = [];
    private readonly List<(Erasure Erasure, long Through, DateTimeOffset At)> _erasures = [];
    private TaskCompletionSource _appended = New();

    public TimeSpan? AwayFor => null;

    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        AppendOptions? options,
        CancellationToken cancellationToken
    )
    {
        // The publisher does not matter: in memory nobody waits for another one.
        var given = EventRules.Copy(events);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<IReadOnlyList<AppendedEvent>>(cancellationToken);

        lock (_gate)
        {
            var before = _events.Count;
            var appended = given.Select(AppendOrFind).ToList();
            var conflicts = given.Zip(appended).Where(pair => _byId[pair.Second.Id].Digest != DigestOf(pair.First));
            if (conflicts.Select(pair => pair.Second.Id).ToList() is { Count: > 0 } ids)
            {
                foreach (var record in _events.Skip(before))
                    _byId.Remove(record!.Id);
                _events.RemoveRange(before, _events.Count - before);
                throw new EventConflictException(ids);
            }

            Interlocked.Exchange(ref _appended, New()).SetResult();
            return Task.FromResult<IReadOnlyList<AppendedEvent>>(appended);
        }
    }

    public async Task<EventPage> ReadAsync(EventRead read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(read);
        var after = read.After?.Position ?? 0;
        var page = await ReadAsync(
            after,
            read.Filter,
            read.MaxEvents,
            mostBytes: read.MaxBytes,
            cancellationToken: cancellationToken
        );
        ResyncException.ThrowIfLost(read.After, page, _lineage);
        return page.ToEventPage();
    }

    public async IAsyncEnumerable<EventPage> FollowPagesAsync(
        EventRead read,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var appended = Volatile.Read(ref _appended).Task;
            var page = await ReadAsync(read, cancellationToken);
            var isNew = page.Events.Count > 0 || page.Next != read.After;
            read = read with { After = page.Next };
            if (isNew)
                yield return page;
            if (page.Next == page.Head)
                await appended.WaitAsync(cancellationToken);
        }
    }

    public Task<LogPage> ReadAsync(long after, CancellationToken cancellationToken) =>
        ReadAsync(after, filter: null, cancellationToken: cancellationToken);

    public Task<LogPage> ReadAsync(
        long after,
        EventFilter? filter = null,
        int? limit = null,
        int mostData = int.MaxValue,
        int? mostBytes = null,
        CancellationToken cancellationToken = default
    )
    {
        lock (_gate)
        {
            var page = new List<EventRecord>();
            var bytes = 0L;
            var isCut = false;
            foreach (var record in Matching(after, long.MaxValue, filter))
            {
                isCut = page.Count == (limit ?? PageEvents) || (page.Count > 0 && bytes >= mostBytes);
                if (isCut)
                    break;

                page.Add(record);
                bytes += record.Data.Length;
            }

            return Task.FromResult(PageOf(page, isCut ? page[^1].Position : Math.Max(after, _events.Count)));
        }
    }

    public Task<NewestPage> ReadNewestAsync(
        long after,
        EventFilter? filter = null,
        int? mostBytes = null,
        long? through = null,
        CancellationToken cancellationToken = default
    )
    {
        lock (_gate)
        {
            var end = Math.Min(through ?? long.MaxValue, Math.Max(after, _events.Count));
            var newest = new Dictionary<string, EventRecord>(StringComparer.Ordinal);
            var older = new List<long>();
            foreach (var record in Matching(after, end, filter))
            {
                if (newest.TryGetValue(record.Key ?? record.Topic, out var former))
                    older.Add(former.Position);
                newest[record.Key ?? record.Topic] = record;
            }

            var skipped = older.Count == 0 ? null : new SkippedRange(older.Min(), older.Max(), older.Count);
            return Task.FromResult(
                new NewestPage(PageOf([.. newest.Values.OrderBy(e => e.Position)], end), skipped, end)
            );
        }
    }

    public Task<LogPage> HeadAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            return Task.FromResult(PageOf([], _events.Count));
    }

    public async Task<LogPage?> TryHeadAsync(CancellationToken cancellationToken) => await HeadAsync(cancellationToken);

    public async IAsyncEnumerable<LogPage> FollowAsync(
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var appended = Volatile.Read(ref _appended).Task;
            var page = await ReadAsync(after, cancellationToken);
            after = page.Next;
            yield return page;

            if (page.Through >= page.Head)
                await appended.WaitAsync(cancellationToken);
        }
    }

    public Task<Lineage?> LineageAsync(string epoch, CancellationToken cancellationToken) =>
        Task.FromResult(epoch == _lineage.Epoch ? _lineage : null);

    public Task<ErasureResult> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(erasure);
        var given = erasure.Checked();
        lock (_gate)
        {
            var found = _events.OfType<EventRecord>().Where(e => given.Covers(e.Topic) || given.Ids.Contains(e.Id));
            var gone = found.ToList();
            foreach (var record in gone)
                _events[(int)record.Position - 1] = null;

            var unknown = given.Topics.Where(topic =>
                !gone.Exists(e => Erasure.IsBelow(e.Topic, topic))
                && !_erasures.Exists(e => e.Erasure.Topics.Contains(topic))
            );
            var unknownIds = given
                .Ids.Where(id => !gone.Exists(e => e.Id == id) && !_erasures.Exists(e => e.Erasure.Ids.Contains(id)))
                .Select(id => id.ToString());
            var result = new ErasureResult
            {
                Number = _erasures.Count + 1,
                Events = gone.Count,
                OutboxRows = 0,
                Unknown = [.. unknown, .. unknownIds],
            };
            _erasures.Add((given, _events.Count, clock.GetUtcNow()));
            return Task.FromResult(result);
        }
    }

    public async Task ErasuresAsync(Action<long> erased, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100), clock);
        while (await timer.WaitForNextTickAsync(cancellationToken))
            if (ErasedThrough() is var through and > 0)
                erased(through);
    }

    /// <summary>Returns the last position that the erasures of the last minute concern, or 0 without one.</summary>
    private long ErasedThrough()
    {
        lock (_gate)
            return _erasures
                .Where(e => clock.GetUtcNow() - e.At < TimeSpan.FromMinutes(1))
                .Select(e => e.Through)
                .LastOrDefault();
    }

    private AppendedEvent AppendOrFind(NewEvent published)
    {
        if (published.Id is { } id && _byId.TryGetValue(id, out var found))
            return new AppendedEvent(id, found.At);

        var record = new EventRecord
        {
            At = new StreamPosition(_lineage.Epoch, _events.Count + 1),
            Id = published.Id ?? Guid.CreateVersion7(),
            Topic = published.Topic,
            Type = published.Type,
            Key = published.Key,
            Data = Encoding.UTF8.GetBytes(published.Data),
            Time = clock.GetUtcNow(),
            TraceParent = published.TraceParent,
        };
        _events.Add(record);
        _byId.Add(record.Id, (record.At, DigestOf(published)));

        return new AppendedEvent(record.Id, record.At);
    }

    private static string DigestOf(NewEvent published) => Convert.ToHexString(EventAppender.Request.Digest(published));

    private IEnumerable<EventRecord> Matching(long after, long through, EventFilter? filter)
    {
        for (var i = Math.Max(0, after); i < Math.Min(through, _events.Count); i++)
            if (
                _events[(int)i] is { } record
                && filter?.MatchesTopic(record.Topic) != false
                && filter?.Passes(record.Type, record.Key) != false
            )
                yield return record;
    }

    private LogPage PageOf(IReadOnlyList<EventRecord> events, long through) =>
        new(_lineage.Epoch, _events.Count, DroppedThrough: 0, events, through);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
