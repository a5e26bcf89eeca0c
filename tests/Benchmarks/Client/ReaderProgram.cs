using System.Text.Json;

namespace Benchmarks.Client;

/// <summary>The mode <c>read</c>, the raw reader: one thread that reads many
/// streams. Reports when all are open, then the result.</summary>
internal static class ReaderProgram
{
    /// <summary>Concurrent connects, fewer than any server's backlog.</summary>
    internal const int MaxInFlight = 256;

    public static void Run(ReadOrder order, TextWriter output, CancellationToken stop)
    {
        using var streams = new ReaderStreams(order);
        var end = streams.Begun + (long)(order.LimitSeconds * TimeSpan.TicksPerSecond);
        double? cpu = null;
        while (!stop.IsCancellationRequested && Wire.Now() < end)
        {
            streams.Open();

            if (cpu is null && streams.HaveAnswered)
            {
                cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
                output.WriteLine(JsonSerializer.Serialize(streams.Ready()));
            }

            if (cpu is not null && streams.HaveAll)
                break;

            streams.Read();
        }

        output.WriteLine(JsonSerializer.Serialize(streams.Result(cpu ?? 0)));
        // Closing the streams is work for the server, which the parent may still be measuring.
        stop.WaitHandle.WaitOne();
    }
}
