using System.Diagnostics;
using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Streaming.Feed;

/// <summary>
/// The clock that stamps the events, Postgres's, as this process's own with an offset: a delivery begins by the one and
/// ends by the other, and
/// on two machines they differ. Asked now and then; the answer with the shortest round trip counts (the clock filter of
/// RFC 5905, §10), halfway
/// through it. An offset that the round trip alone could explain is none.
/// </summary>
internal sealed class StoreClock : RestartingService
{
    private const int Questions = 4;

    private readonly NpgsqlDataSource _store;
    private readonly TimeProvider _clock;
    private readonly StreamingOptions _options;
    private long _ahead;

    public StoreClock(
        [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
        IOptions<StreamingOptions> options,
        TimeProvider clock,
        IMeterFactory meters,
        ILogger<StoreClock> logger
    )
        : base(logger)
    {
        (_store, _clock, _options) = (store, clock, options.Value);
        meters
            .Create("AspireSse.StreamApi")
            .CreateObservableGauge(
                "sse.server.store.clock.offset",
                () => Ahead.TotalSeconds,
                "s",
                "Postgres's clock minus this process's."
            );
    }

    /// <summary>How far Postgres's clock is ahead of this process's; negative where it is behind. Zero until it is
    /// known.</summary>
    public TimeSpan Ahead => new(Volatile.Read(ref _ahead));

    /// <summary>Now, as the events are stamped; UTC ticks.</summary>
    public long NowTicks => _clock.GetUtcNow().UtcTicks + Volatile.Read(ref _ahead);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(_options.StoreClockSeconds), _clock);
        try
        {
            do
            {
                // While the store is away the last offset stands: clocks do not drift far in an outage.
                try
                {
                    await AskAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException) { }
            } while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        var (shortest, offset) = (TimeSpan.MaxValue, TimeSpan.Zero);
        await using var connection = await _store.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        for (var i = 0; i < Questions; i++)
        {
            var (asked, began) = (_clock.GetUtcNow(), Stopwatch.GetTimestamp());
            var told = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
            var took = Stopwatch.GetElapsedTime(began);
            if (took < shortest)
                (shortest, offset) = (took, told - (asked + took / 2));
        }
        Volatile.Write(ref _ahead, offset.Duration() > shortest ? offset.Ticks : 0);
    }
}
