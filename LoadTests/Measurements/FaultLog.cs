using System.Diagnostics;
using LoadTests.Targets;

namespace LoadTests.Measurements;

/// <summary>The past and present faults of a scenario, to decide
/// whether a fault explains a failure. Thread-safe.</summary>
internal sealed class FaultLog
{
    /// <summary>The time after a repair in which a failed request may
    /// still be caused by the fault, such as a pending connect.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(5);

    /// <summary>The time within which a fault's failures are reported. A run, for example,
    /// is taken over when its lease ends, some seconds after the fault.</summary>
    private static readonly TimeSpan ReportDelay = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<Fault> _faults = [];

    /// <summary>Records a fault until the returned object is disposed.</summary>
    /// <param name="target">The component under the fault.</param>
    /// <param name="ports">The ports that it listens on.</param>
    public IDisposable Begin(ChaosTarget target, IReadOnlyList<int> ports)
    {
        var fault = new Fault(target, ports);
        lock (_gate)
            _faults.Add(fault);
        return fault;
    }

    /// <summary>
    /// Returns whether a fault explains that work failed: during the work its replica was broken, or the store, which
    /// every replica needs. Redis and the Broadcaster explain nothing, because correctness does not depend on them.
    /// </summary>
    /// <param name="port">The port of the replica that did the work.</param>
    /// <param name="began">The start of the work, a <see cref="Stopwatch"/> timestamp.</param>
    /// <param name="failed">The failure, on the same clock.</param>
    public bool ExplainsEnd(int port, long began, long failed) =>
        Any(f =>
            (
                f.Target == ChaosTarget.StreamApi
                && f.Ports.Contains(port)
                && f.IsWithin(began, failed, TimeSpan.Zero, ReportDelay)
            ) || (f.Target == ChaosTarget.Postgres && f.IsWithin(began, failed, Aftermath, ReportDelay))
        );

    /// <summary>Returns whether a fault explains that no replica
    /// answered a request that any of them could answer.</summary>
    public bool ExplainsRefusal(long began, long failed) =>
        Any(f =>
            f.Target is ChaosTarget.StreamApi or ChaosTarget.Postgres
            && f.IsWithin(began, failed, Aftermath, ReportDelay)
        );

    private bool Any(Func<Fault, bool> explains)
    {
        lock (_gate)
            return _faults.Any(explains);
    }

    private sealed class Fault(ChaosTarget target, IReadOnlyList<int> ports) : IDisposable
    {
        private readonly long _startedAt = Stopwatch.GetTimestamp();
        private long _repairedAt;

        public ChaosTarget Target => target;
        public IReadOnlyList<int> Ports => ports;

        /// <summary>Returns whether this fault overlapped work that lasted from <paramref name="began"/> to
        /// <paramref name="failed"/>, with some tolerance after the repair.</summary>
        public bool IsWithin(long began, long failed, TimeSpan atStart, TimeSpan atEnd) =>
            Volatile.Read(ref _repairedAt) is var repairedAt
            && failed >= _startedAt
            && (
                repairedAt == 0
                || (
                    Stopwatch.GetElapsedTime(repairedAt, began) < atStart
                    && Stopwatch.GetElapsedTime(repairedAt, failed) < atEnd
                )
            );

        public void Dispose() => Volatile.Write(ref _repairedAt, Stopwatch.GetTimestamp());
    }
}
