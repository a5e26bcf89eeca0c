using System.Diagnostics;

namespace Reliability.Abuse;

/// <summary>
/// Waits until a system is at rest, so that its own work does not distort a comparison: nothing is compiled, all topics
/// are listed, and Postgres does not vacuum.
/// </summary>
internal static class Settling
{
    private const double Steady = 1.25,
        Faster = 0.8;
    private const int SteadyWindows = 2;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Waits until the others' latency is steady in two windows in a row.</summary>
    /// <returns>False if it did not become steady within a minute.</returns>
    public static async Task<bool> WaitAsync(
        ReliabilitySystem system,
        Bystanders others,
        CancellationToken cancellationToken
    )
    {
        var least = double.MaxValue;
        var steady = 0;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < Limit)
        {
            var from = Stopwatch.GetTimestamp();
            await Task.Delay(Window, cancellationToken);
            var to = Stopwatch.GetTimestamp();

            await others.ArriveAsync(from, to, Window, cancellationToken);
            var now = others.Events.Between(from, to).P99;
            var isSteady =
                double.IsFinite(now)
                && now <= least * Steady
                && now >= least * Faster
                && await system.IsIdleBesideAsync(cancellationToken);

            least = Math.Min(least, now);
            steady = isSteady ? steady + 1 : 0;
            if (steady == SteadyWindows)
                return true;
        }

        return false;
    }
}
