using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Asks Postgres once a second for its role and time, for events that nobody moves, so that <c>/health</c>
/// costs Postgres nothing, and for erasures. Closes connections that an outage may have broken, and connections whose
/// command Postgres no longer runs. Thread-safe.</summary>
internal sealed class StoreContact(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    StoreClock storeClock,
    StoreHosts hosts,
    IOptions<EventStoreOptions> options,
    IMeterFactory meters,
    ILogger<StoreContact> logger
) : RestartingService(logger, storeClock.Local)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait for an answer. Connections to a vanished host are closed only after this wait.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>Number of successive checks in which the same row is the oldest of the outbox that are normal, while a
    /// process starts or takes over.</summary>
    private const int ChecksOfChange = 5;

    /// <summary>Time for which an erasure is told: an erased event may still be on its way, by Redis or in a
    /// page.</summary>
    private static readonly TimeSpan Told = TimeSpan.FromMinutes(1);

    // Start of the first check without an answer. A check without an answer for three seconds counts as failed.
    private long _askedAt = storeClock.Local.GetTimestamp();
    private volatile bool _failing = true;
    private ReadOnlyReason? _readOnly;
    private volatile string? _mistake;
    private volatile StoreDurability? _durability;
    private readonly OutboxWatch _outbox = new(store);
    private volatile WaitingOutbox? _waiting;
    private int _unmovedChecks;
    private long _checkedAt = storeClock.Local.GetTimestamp();

    /// <summary>The time since Postgres stopped answering as a primary, or null while it answers.</summary>
    public TimeSpan? AwayFor
    {
        get
        {
            var waited = Clock.GetElapsedTime(Volatile.Read(ref _askedAt));
            return _failing || waited > 3 * Interval ? waited : null;
        }
    }

    /// <summary>True after <see cref="EventStoreOptions.UnhealthySeconds"/> without an answer.</summary>
    public bool IsLost => AwayFor >= TimeSpan.FromSeconds(options.Value.UnhealthySeconds);

    /// <summary>The reason if Postgres answers but stores nothing, or null if it stores.</summary>
    public ReadOnlyReason? ReadOnly => _readOnly;

    /// <summary>The error that waiting does not mend, or null if there is none.</summary>
    public string? Mistake => _mistake;

    /// <summary>The oldest row of the outbox if nobody moves it, or null. Other rows may wait for long while a process
    /// moves many.</summary>
    public WaitingOutbox? Unmoved => _unmovedChecks > ChecksOfChange ? _waiting : null;

    /// <summary>The durability of an acknowledged event at the last check, or null before the first.</summary>
    internal StoreDurability? Durability => _durability;

    /// <summary>Raised with the last position that recent erasures concern, also with those of an outage.</summary>
    public event Action<long>? Erased;

    /// <exception cref="InvalidOperationException">The connection string's only host is a standby, or a
    /// pooler.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        meters
            .Create("AspireSse.EventStore")
            .CreateObservableGauge(
                "store.unanswered",
                () => AwayFor?.TotalSeconds ?? 0,
                "s",
                "Time since Postgres stopped answering as a primary; 0 while it answers."
            );

        try
        {
            var (readOnly, _) = await AskAsync(3 * Interval, cancellationToken);
            if (readOnly is ReadOnlyReason.Standby && !hosts.AreSeveral)
                throw new InvalidOperationException(
                    "The connection string of the event log names a standby of Postgres, which stores nothing. Name "
                        + "the primary, or all servers: 'Host=a,b,c;Target Session Attributes=primary'."
                );
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the service waits for Postgres */
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var wasAway = false;
        while (true)
        {
            var failing = !await IsPrimaryAsync(stoppingToken);
            // Closes the connections, so that no request waits for those of a frozen host. Another thread does it: this
            // one may belong to a socket, which cannot wait for its own end.
            if (wasAway || (failing && hosts.AreSeveral))
                await Task.Run(hosts.Clear, stoppingToken);
            // The time is set first, or a recovered store would seem to be without an answer since the outage began.
            if (!failing)
                Volatile.Write(ref _askedAt, Clock.GetTimestamp());

            wasAway = _failing = failing;

            if (!failing)
            {
                await hosts.CheckAsync(stoppingToken);
                await EndLostAsync(stoppingToken);
                await CheckOutboxAsync(stoppingToken);
            }

            await Task.Delay(Interval, Clock, stoppingToken);

            if (!_failing)
                Volatile.Write(ref _askedAt, Clock.GetTimestamp());
        }
    }

    private async Task<bool> IsPrimaryAsync(CancellationToken stoppingToken)
    {
        try
        {
            var unhealthy = TimeSpan.FromSeconds(options.Value.UnhealthySeconds);
            var timeout = unhealthy < LongestWait ? unhealthy : LongestWait;
            var (readOnly, durability) = await AskAsync(timeout, stoppingToken);
            if (readOnly is ReadOnlyReason.Setting && _readOnly is null)
                Logger.LogError(
                    "Postgres stores nothing: default_transaction_read_only is on for the role, the database or the "
                        + "server"
                );
            _readOnly = readOnly;
            _mistake = null;
            if (readOnly is not null)
                return false;

            if (durability != _durability)
                Logger.LogInformation("An acknowledged event is on: {Durability}", durability);
            _durability = durability;
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or PoolerException)
        {
            _readOnly = null;
            var mistake = e is PoolerException ? e.Message : null;
            if (mistake is not null && mistake != _mistake)
                Logger.LogCritical("The event log cannot be used: {Reason}", mistake);
            _mistake = mistake;
            return false;
        }
    }

    private async Task EndLostAsync(CancellationToken stoppingToken)
    {
        try
        {
            var (late, lost) = await RunningCommands.EndLostAsync(store, Interval, stoppingToken);
            if (late > lost)
                Logger.LogDebug("Postgres still runs {Commands} commands that were not answered in time", late - lost);
            if (lost > 0)
                Logger.LogWarning("Postgres has lost {Connections} connections, which are closed now", lost);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the next check asks again */
        }
    }

    private async Task CheckOutboxAsync(CancellationToken stoppingToken)
    {
        try
        {
            var wasUnmoved = Unmoved is not null;
            var now = Clock.GetTimestamp();
            var erasures = Told + Clock.GetElapsedTime(_checkedAt, now);
            var (oldest, erasedThrough) = await _outbox.OldestAsync(erasures, Interval, stoppingToken);
            _checkedAt = now;
            if (erasedThrough > 0)
                Erased?.Invoke(erasedThrough);
            _unmovedChecks = oldest is null || oldest.Ordinal != _waiting?.Ordinal ? 0 : _unmovedChecks + 1;
            _waiting = oldest;
            if (!wasUnmoved && Unmoved is { } unmoved)
                Logger.LogWarning("{Reason}", unmoved.Reason);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the next check asks again */
        }
    }

    private Task<(ReadOnlyReason? ReadOnly, StoreDurability Durability)> AskAsync(
        TimeSpan timeout,
        CancellationToken stopped
    ) =>
        store.RunAsync(
            StoreDurability.Sql,
            command => StoreDurability.ReadAsync(command, storeClock),
            timeout,
            stopped
        );
}
