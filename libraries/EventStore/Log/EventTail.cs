using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Follows the log by Postgres's notifications, and by polling in case one is lost. Thread-safe.</summary>
internal sealed class EventTail(
    StoreListener listener,
    EventReader reader,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<EventTail> logger
)
{
    /// <summary>Time that a page has which a replica sends itself: ten times that of Redis and two processes on a busy
    /// machine, and far less than what a person notices.</summary>
    public static readonly TimeSpan DirectTime = TimeSpan.FromMilliseconds(30);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);

    private readonly HashSet<Waker> _followers = [];
    private IDisposable? _listening;
    private int _outboxConnections;

    private TimeSpan Poll => TimeSpan.FromMilliseconds(options.Value.PollMilliseconds);

    /// <summary>Enumerates the pages after a position until cancelled, and waits during outages of Postgres. An empty
    /// page carries the head, at least every <see cref="EventStoreOptions.PollMilliseconds"/>.</summary>
    public async IAsyncEnumerable<LogPage> FollowAsync(
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var pages = FollowAsync(stop => reader.ReadAsync(after, cancellationToken: stop), has: null, cancellationToken);
        await foreach (var page in pages)
        {
            after = page.Next;
            yield return page;
        }
    }

    /// <summary>Enumerates pages as <see cref="FollowAsync(long, CancellationToken)"/> does.</summary>
    /// <param name="readNext">Reads the page after the last one. The next read begins when the caller asks for
    /// it.</param>
    /// <param name="has">Returns true if the caller has a position from elsewhere. It is then woken only for those that
    /// it still lacks after <see cref="DirectTime"/>.</param>
    public async IAsyncEnumerable<LogPage> FollowAsync(
        Func<CancellationToken, Task<LogPage>> readNext,
        Func<long, bool>? has = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var waker = Join(has);
        try
        {
            for (var failed = 0; ; )
            {
                LogPage? page = null;
                try
                {
                    page = await readNext(cancellationToken);
                    failed = 0;
                }
                catch (StoreUnavailableException e)
                {
                    logger.LogWarning(
                        "The log cannot be read, so its reader waits and tries again: {Reason}",
                        e.InnerException?.Message ?? e.Message
                    );
                    await Task.Delay(Backoff.Delay(failed++, FirstRetry, Poll), clock, cancellationToken);
                }

                if (page is null)
                    continue;

                yield return page;

                if (page.Through < page.Head)
                    continue;
                await waker.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            Leave(waker);
        }
    }

    /// <summary>Adds a follower. The process listens for as long as there is one.</summary>
    private Waker Join(Func<long, bool>? has)
    {
        var waker = new Waker(Poll, clock, has);
        lock (_followers)
        {
            _followers.Add(waker);
            if (_followers.Count == 1)
                _listening = listener.Listen("eventstore", () => WakeAll(""), WakeAll);
        }
        return waker;
    }

    private void Leave(Waker waker)
    {
        lock (_followers)
            if (_followers.Remove(waker) && _followers.Count == 0)
                _listening!.Dispose();
    }

    /// <param name="direct">The last position of a commit that its replica sends itself, or empty for any
    /// other.</param>
    private void WakeAll(string direct)
    {
        var isDirect = long.TryParse(direct, CultureInfo.InvariantCulture, out var position);
        lock (_followers)
            foreach (var follower in _followers)
                if (isDirect)
                    follower.WakeLate(position);
                else
                    follower.Wake();
    }

    /// <summary>The number of connections that have listened for outbox rows: a new one after each crash of
    /// Postgres.</summary>
    public int OutboxConnections => Volatile.Read(ref _outboxConnections);

    /// <summary>Yields when outbox rows may wait, until cancelled: true after commits that wrote outbox rows, and false
    /// every <see cref="EventStoreOptions.PollMilliseconds"/>.</summary>
    public async IAsyncEnumerable<bool> OutboxAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        using var waker = new Waker(Poll, clock);
        using var listening = listener.Listen("eventstore_outbox", Begin, _ => waker.Wake());
        while (true)
            yield return await waker.WaitAsync(cancellationToken);

        void Begin()
        {
            Interlocked.Increment(ref _outboxConnections);
            waker.Wake();
        }
    }

    /// <summary>Calls back with the last position of each erasure of which Postgres notifies, until
    /// cancelled.</summary>
    /// <param name="erased">Must not block.</param>
    public async Task ErasuresAsync(Action<long> erased, CancellationToken cancellationToken)
    {
        using var listening = listener.Listen(
            "eventstore_erasures",
            () => { },
            through => erased(long.Parse(through, CultureInfo.InvariantCulture))
        );
        await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
    }

    /// <summary>Ends the wait of one reader when it is woken, and once in an interval. A semaphore with a time limit
    /// would cost each wait a timer and a token source.</summary>
    private sealed class Waker : IDisposable
    {
        private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }
        );
        private readonly ITimer _polling;
        private readonly ITimer? _late;
        private readonly Func<long, bool>? _has;
        private long _newest;
        private long _due;

        public Waker(TimeSpan interval, TimeProvider clock, Func<long, bool>? has = null)
        {
            _polling = clock.CreateTimer(_ => _wakes.Writer.TryWrite(false), null, interval, interval);
            _has = has;
            if (has is not null)
                _late = clock.CreateTimer(_ => WhenDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void Wake() => _wakes.Writer.TryWrite(true);

        /// <summary>Wakes the reader if it lacks the position after <see cref="DirectTime"/>; at once if it cannot get
        /// it from elsewhere.</summary>
        public void WakeLate(long position)
        {
            if (_has is null)
            {
                Wake();
                return;
            }

            Volatile.Write(ref _newest, position);
            if (!_has(position) && Interlocked.CompareExchange(ref _due, position, 0) == 0)
                _late!.Change(DirectTime, Timeout.InfiniteTimeSpan);
        }

        /// <summary>Looks at one position in each <see cref="DirectTime"/>, since the newest is always on its
        /// way.</summary>
        private void WhenDue()
        {
            if (!_has!(Interlocked.Exchange(ref _due, 0)))
                Wake();
            WakeLate(Volatile.Read(ref _newest));
        }

        /// <summary>Returns true if it was woken, false if the interval is over.</summary>
        public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) =>
            _wakes.Reader.ReadAsync(cancellationToken);

        public void Dispose()
        {
            _polling.Dispose();
            _late?.Dispose();
        }
    }
}
