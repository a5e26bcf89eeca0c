using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Streaming.Feed;

/// <summary>
/// Postgres's clock, which stamps the events, as an offset to this process's clock, so that delivery times are right
/// across machines. The query with the shortest round trip counts (clock filter, RFC 5905 §10); an offset within that
/// round trip counts as zero.
/// </summary>
internal sealed class StoreClock : RestartingService
{
    private const int Queries = 4;

    private readonly NpgsqlDataSource _store;
    private readonly StreamingOptions _options;
    private long _ahead;

    public StoreClock(
        [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
        IOptions<StreamingOptions> options,
        TimeProvider clock,
        IMeterFactory meters,
        ILogger<StoreClock> logger
    )
        : base(logger, clock)
    {
        _store = store;
        _options = options.Value;
        meters
            .Create("AspireSse.StreamApi")
            .CreateObservableGauge(
                "sse.server.store.clock.offset",
                () => Ahead.TotalSeconds,
                "s",
                "Postgres's clock minus this process's."
            );
    }

    /// <summary>
    /// Offset of Postgres's clock to this process's, positive if it is ahead. Zero until it is known.
    /// </summary>
    public TimeSpan Ahead => new(Volatile.Read(ref _ahead));

    /// <summary>Current time by Postgres's clock, in UTC ticks.</summary>
    public long NowTicks => Clock.GetUtcNow().UtcTicks + Volatile.Read(ref _ahead);

    /// <summary>This process's clock.</summary>
    public TimeProvider Local => Clock;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(_options.StoreClockSeconds), Clock);
        try
        {
            do
            {
                // While the store is down the last offset is kept: clocks drift little during an outage.
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
        var shortest = TimeSpan.MaxValue;
        var offset = TimeSpan.Zero;

        await using var connection = await _store.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand("select clock_timestamp()", connection);
        for (var i = 0; i < Queries; i++)
        {
            var asked = Clock.GetUtcNow();
            var began = Clock.GetTimestamp();
            var answer = new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancellationToken))!);
            var took = Clock.GetElapsedTime(began);
            if (took >= shortest)
                continue;

            shortest = took;
            offset = answer - (asked + took / 2);
        }

        Volatile.Write(ref _ahead, offset.Duration() > shortest ? offset.Ticks : 0);
    }
}
