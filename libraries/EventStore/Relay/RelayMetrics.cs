using System.Diagnostics.Metrics;

namespace EventStore;

internal sealed class RelayMetrics
{
    private readonly Counter<long> _relayed;
    private readonly Counter<long> _failures;
    private readonly Histogram<double> _delay;
    private long _lag;

    public RelayMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Broadcaster");
        _relayed = meter.CreateCounter<long>(
            "broadcaster.relay.events",
            "{event}",
            "Events that the Broadcaster published on Redis; not those that replicas sent themselves."
        );
        _failures = meter.CreateCounter<long>(
            "broadcaster.relay.failures",
            "{message}",
            "Messages that Redis did not accept in time."
        );
        // Prometheus sees the first increase of a counter only if it was 0 before.
        foreach (var counter in (Counter<long>[])[_relayed, _failures])
            counter.Add(0);

        _delay = meter.CreateHistogram<double>(
            "broadcaster.relay.duration",
            "s",
            "Time from commit to publish, for the first event of a batch."
        );

        meter.CreateObservableGauge(
            "broadcaster.relay.lag",
            () => Volatile.Read(ref _lag),
            "{event}",
            "Positions between the log's head and the last relayed event."
        );
    }

    public void Relayed(int events, TimeSpan delay)
    {
        _relayed.Add(events);
        _delay.Record(Math.Max(0, delay.TotalSeconds));
    }

    public void Failed() => _failures.Add(1);

    public void Lag(long positions) => Volatile.Write(ref _lag, positions);
}
