using System.Diagnostics.Metrics;

namespace Broadcaster;

internal sealed class RelayMetrics
{
    private readonly Counter<long> _relayed;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _acquired;
    private readonly Histogram<double> _delay;
    private long _lag;
    private int _leader;

    public RelayMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Broadcaster");
        _relayed = meter.CreateCounter<long>("broadcaster.relay.events", "{event}", "Events published on Redis.");
        _failures = meter.CreateCounter<long>(
            "broadcaster.relay.failures",
            "{message}",
            "Messages that Redis did not accept in time."
        );
        _refused = meter.CreateCounter<long>(
            "broadcaster.outbox.refused",
            "{event}",
            "Outbox rows set aside because they cannot be published."
        );
        _acquired = meter.CreateCounter<long>(
            "broadcaster.lease.acquired",
            "{lease}",
            "Times that this replica became the leader."
        );
        // Prometheus sees the first increase of a counter only if it was 0 before.
        foreach (var counter in (Counter<long>[])[_relayed, _failures, _refused, _acquired])
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
        meter.CreateObservableGauge(
            "broadcaster.leader",
            () => Volatile.Read(ref _leader),
            "{leader}",
            "1 while this replica leads."
        );
    }

    public void Relayed(int events, TimeSpan delay)
    {
        _relayed.Add(events);
        _delay.Record(Math.Max(0, delay.TotalSeconds));
    }

    public void Refused(int rows) => _refused.Add(rows);

    public void Failed() => _failures.Add(1);

    public void Lag(long positions) => Volatile.Write(ref _lag, positions);

    public void Leads(bool leads)
    {
        if (leads)
            _acquired.Add(1);
        Volatile.Write(ref _leader, leads ? 1 : 0);
    }
}
