using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Publishes <see cref="StoreUsage"/> as metrics every 15 s; in an outage, they keep their values.</summary>
internal sealed class StoreUsageWatch : RestartingService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly NpgsqlDataSource _store;
    private volatile StoreUsage? _usage;

    public StoreUsageWatch(
        [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
        IOptions<EventStoreOptions> options,
        IMeterFactory meters,
        TimeProvider clock,
        ILogger<StoreUsageWatch> logger
    )
        : base(logger, clock)
    {
        _store = store;
        var meter = meters.Create("AspireSse.EventStore");
        var most = options.Value.MaxBytes;

        Gauge("store.log.size", u => u.LogBytes, "By", "The log, its topics and ids on disk, with indexes.");
        Gauge("store.log.limit", _ => most, "By", "AspireSse:EventStore:MaxBytes, the most that the log may take.");
        Gauge("store.database.size", u => u.DatabaseBytes, "By", "The database on disk, without WAL.");
        Gauge("store.replication.standbys", u => u.Standbys, "{standby}", "Connected standbys.");
        Gauge("store.replication.lag", u => u.LagSeconds, "s", "Time until the slowest standby replays a commit.");
        Gauge("store.replication.pending", u => u.LagBytes, "By", "WAL that the slowest standby has not replayed.");
        Gauge("store.replication.inactive_slots", u => u.InactiveSlots, "{slot}", "Slots without a client.");
        Gauge("store.replication.retained", u => u.RetainedBytes, "By", "WAL kept on disk for the oldest slot.");

        void Gauge<T>(string name, Func<StoreUsage, T> value, string unit, string description)
            where T : struct =>
            meter.CreateObservableGauge(
                name,
                () => _usage is { } usage ? [new Measurement<T>(value(usage))] : Array.Empty<Measurement<T>>(),
                unit,
                description
            );
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                _usage = await ReadAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            { /* the next reading gets the values; the outage is reported by the parts that need Postgres */
            }
            await Task.Delay(Interval, Clock, stoppingToken);
        }
    }

    private Task<StoreUsage> ReadAsync(CancellationToken cancellationToken) =>
        _store.RunAsync(
            StoreUsage.Query,
            command =>
                command.RowAsync(row => new StoreUsage(
                    row.GetInt64(0),
                    row.GetInt64(1),
                    row.GetInt64(2),
                    row.GetDouble(3),
                    row.GetInt64(4),
                    row.GetInt64(5),
                    row.GetInt64(6)
                )),
            cancellationToken
        );
}
