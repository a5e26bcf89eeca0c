using System.Diagnostics;
using System.Globalization;

namespace Reliability.Abuse;

/// <summary>A load that only uses processor time, as much as an abuse did: what it costs others is the machine's part
/// of what the abuse cost them.</summary>
/// <param name="Processors">Processor seconds used per second, over all threads.</param>
/// <param name="Threads">The threads that use them.</param>
internal sealed record BurnedTime(double Processors, int Threads)
{
    private const string Prefix = "burn";

    /// <summary>Longest time that a thread works at once.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(0.2);

    /// <summary>The load as an abuse, whose name says it all.</summary>
    public AbuseCase AsCase() =>
        new(
            string.Create(CultureInfo.InvariantCulture, $"{Prefix} {Processors:F3} {Threads}"),
            (_, over) => BurnAsync(over)
        );

    /// <summary>Returns the abuse of this name, or null if it is another one's.</summary>
    public static AbuseCase? Find(string name) =>
        name.Split(' ') is [Prefix, var processors, var threads]
            ? new BurnedTime(
                double.Parse(processors, CultureInfo.InvariantCulture),
                int.Parse(threads, CultureInfo.InvariantCulture)
            ).AsCase()
            : null;

    private async Task<string> BurnAsync(CancellationToken over)
    {
        var begun = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();

        // So many threads wake up as slices are due. What they could not have in time they catch up with.
        var pause = TimeSpan.FromMilliseconds(Math.Clamp(Slice.TotalMilliseconds * Threads / Processors, 1, 1_000));

        bool IsBehind() => Environment.CpuUsage.TotalTime - begun < Processors * clock.Elapsed;

        await Attack.OnThreads(
            Threads,
            _ =>
            {
                while (!over.IsCancellationRequested)
                    if (!IsBehind())
                        over.WaitHandle.WaitOne(pause);
                    else
                        for (var slice = Stopwatch.StartNew(); slice.Elapsed < Slice; )
                            Thread.SpinWait(20);
            }
        );

        var used = (Environment.CpuUsage.TotalTime - begun) / clock.Elapsed;
        return string.Create(CultureInfo.InvariantCulture, $"{used:F3} of {Processors:F3} processors");
    }
}
