namespace Benchmarks.Simulation;

/// <summary>A read of a log on its way to the store and back.</summary>
internal sealed class ReplayRead(SimulatedReplica replica, int log)
{
    public SimulatedReplica Replica => replica;
    public int Log => log;

    /// <summary>The range; topic -1: everything that the replica's feed has missed.</summary>
    public int Topic { get; init; } = -1;
    public int After { get; init; }

    /// <summary>A sampled reader that waits, and the number of its stream.</summary>
    public SampledReader? Sample { get; init; }
    public int Stream { get; init; }

    /// <summary>Other readers that wait.</summary>
    public int Waiters { get; set; }

    /// <summary>The log's head when it was read, and the end of the read.</summary>
    public int Through { get; set; }
    public int EndedAt { get; set; } = int.MaxValue;

    /// <summary>CPU of the store.</summary>
    public double Microseconds { get; set; }
}

/// <summary>The cores of a primary that replays use: reads take turns.</summary>
internal sealed class StoreServer(int cores)
{
    private readonly double[] _freeAt = new double[cores];

    /// <summary>Returns the end of a read that arrives now, in ms.</summary>
    public double Read(int now, double microseconds)
    {
        var first = 0;
        for (var core = 1; core < _freeAt.Length; core++)
            if (_freeAt[core] < _freeAt[first])
                first = core;
        return _freeAt[first] = Math.Max(now, _freeAt[first]) + microseconds / 1_000;
    }
}
