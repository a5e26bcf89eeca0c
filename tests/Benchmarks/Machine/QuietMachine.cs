using System.Diagnostics;
using Harness;

namespace Benchmarks.Machine;

/// <summary>Waits until other programs leave the machine alone: a compiler that runs beside one of two measurements
/// makes their ratio meaningless.</summary>
/// <param name="patience">The time that all waits together may take. After it, measurements no longer wait.</param>
internal sealed class QuietMachine(TimeSpan patience)
{
    private const double QuietCores = 0.2;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(500);

    private TimeSpan _left = patience;

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        while (_left > TimeSpan.Zero)
        {
            var clock = Stopwatch.StartNew();
            var load = MachineLoad.Begin();
            await Task.Delay(Window, cancellationToken);

            if (load.ForeignCores() < QuietCores)
                return;

            _left -= clock.Elapsed;
        }
    }
}
