using System.Diagnostics;

namespace LoadTests.Chaos;

/// <summary>What is or was broken while a scenario runs, for who must know whether a fault explains what went wrong.
/// Thread-safe.</summary>
internal sealed class FaultLog
{
    /// <summary>So soon after all was mended a request that fails may still be the fault's: one that waited, a
    /// connection that was being made.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(5);

    /// <summary>What a fault has ended is told by then: another replica takes a run over when its lease has ended, some
    /// seconds after the fault.</summary>
    private static readonly TimeSpan Told = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly List<Fault> _faults = [];

    /// <param name="target">What is broken from now on, until what is returned is disposed of.</param>
    /// <param name="ports">Where it listened.</param>
    public IDisposable Begin(ChaosTarget target, IReadOnlyList<int> ports)
    {
        var fault = new Fault(target, ports);
        lock (_gate)
            _faults.Add(fault);
        return fault;
    }

    /// <summary>
    /// Whether work may have failed by a fault: its replica was broken while it was under way, or the store, without
    /// which none can go on. Redis and the
    /// Broadcaster explain nothing: nobody depends on them to be right.
    /// </summary>
    /// <param name="port">Where the replica listens that did it.</param>
    /// <param name="began">When it began, as <see cref="Stopwatch"/> tells the time.</param>
    /// <param name="failed">When it failed, on the same clock.</param>
    public bool ExplainsEnd(int port, long began, long failed) =>
        Any(f =>
            (
                f.Target == ChaosTarget.StreamApi
                && f.Ports.Contains(port)
                && f.IsWithin(began, failed, TimeSpan.Zero, Told)
            ) || (f.Target == ChaosTarget.Postgres && f.IsWithin(began, failed, Aftermath, Told))
        );

    /// <summary>Whether a request that any replica could answer may have found none that did.</summary>
    public bool ExplainsRefusal(long began, long failed) =>
        Any(f =>
            f.Target is ChaosTarget.StreamApi or ChaosTarget.Postgres && f.IsWithin(began, failed, Aftermath, Told)
        );

    private bool Any(Func<Fault, bool> explains)
    {
        lock (_gate)
            return _faults.Any(explains);
    }

    private sealed class Fault(ChaosTarget target, IReadOnlyList<int> ports) : IDisposable
    {
        private readonly long _begun = Stopwatch.GetTimestamp();
        private long _mended;

        public ChaosTarget Target => target;
        public IReadOnlyList<int> Ports => ports;

        /// <summary>Whether what lasted from <paramref name="began"/> to <paramref name="failed"/> was under way while
        /// this was broken (or began hardly after it), and failed by it: neither before nor long after.</summary>
        public bool IsWithin(long began, long failed, TimeSpan hardly, TimeSpan told) =>
            Volatile.Read(ref _mended) is var mended
            && failed >= _begun
            && (
                mended == 0
                || (Stopwatch.GetElapsedTime(mended, began) < hardly && Stopwatch.GetElapsedTime(mended, failed) < told)
            );

        public void Dispose() => Volatile.Write(ref _mended, Stopwatch.GetTimestamp());
    }
}
