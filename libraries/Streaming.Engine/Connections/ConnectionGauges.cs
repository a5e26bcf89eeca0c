using System.Diagnostics.Metrics;
using EventStore;

namespace Streaming.Connections;

/// <summary>
/// Publishes the replica's streams as metrics. Only the twenty slowest connections (by p99) have series of their own,
/// which keeps the number of series bounded.
/// </summary>
internal sealed class ConnectionGauges : IHostedService
{
    private const int Slowest = 20;

    public ConnectionGauges(IMeterFactory meters, IStreamTotals totals, ConnectionRegistry registry, StoreClock clock)
    {
        var meter = meters.Create("AspireSse.StreamApi");

        meter.CreateObservableUpDownCounter(
            "sse.server.active_connections",
            () => totals.Read().Connections,
            "{stream}",
            "Open streams."
        );

        meter.CreateObservableCounter(
            "sse.server.streams.opened",
            () => registry.Opened,
            "{stream}",
            "Streams that began."
        );

        meter.CreateObservableGauge(
            "sse.server.lag",
            () => totals.Read().Lag,
            "{event}",
            "Positions between the log's head and this replica."
        );

        meter.CreateObservableGauge(
            "sse.server.degraded",
            () => totals.Read().IsDegraded ? 1 : 0,
            "{replica}",
            "1 while the log is read from Postgres because the relay's heartbeat is missing."
        );

        meter.CreateObservableGauge(
            "sse.server.head",
            () => totals.Read().Head?.Position ?? 0,
            "{event}",
            "Position up to which events have been fanned out."
        );

        meter.CreateObservableGauge(
            "sse.server.store.clock.offset",
            () => clock.Ahead.TotalSeconds,
            "s",
            "Postgres's clock minus this process's."
        );

        meter.CreateObservableGauge(
            "sse.server.slowest_connections",
            () => Measure(registry),
            "ms",
            "Delivery p99 of the slowest open streams."
        );
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static IEnumerable<Measurement<double>> Measure(ConnectionRegistry registry) =>
        registry
            .Open.Select(open => (Open: open, open.Latency.Quantiles()?.P99))
            .Where(x => x.P99 is not null)
            .OrderByDescending(x => x.P99)
            .Take(Slowest)
            .Select(x => new Measurement<double>(
                x.P99!.Value,
                new KeyValuePair<string, object?>("sse.connection.id", x.Open.Id),
                new KeyValuePair<string, object?>("client.address", x.Open.Client.Address)
            ));
}
