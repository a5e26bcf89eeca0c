using System.Diagnostics.Metrics;

namespace EventStore;

internal sealed class LeaderMetrics
{
    private readonly Counter<long> _refused;
    private readonly Counter<long> _acquired;
    private int _leader;

    public LeaderMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Broadcaster");
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
        _refused.Add(0);
        _acquired.Add(0);
        meter.CreateObservableGauge(
            "broadcaster.leader",
            () => Volatile.Read(ref _leader),
            "{leader}",
            "1 while this replica leads."
        );
    }

    public void Refused(int rows) => _refused.Add(rows);

    public void Leads(bool leads)
    {
        if (leads)
            _acquired.Add(1);
        Volatile.Write(ref _leader, leads ? 1 : 0);
    }
}
