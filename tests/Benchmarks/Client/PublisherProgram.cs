using System.Text.Json;

namespace Benchmarks.Client;

/// <summary>The mode <c>publish</c>: one thread that posts events. With a rate, each event is due by the
/// clock and carries that time, so a stalled server receives no fewer (coordinated omission).</summary>
internal static class PublisherProgram
{
    public static void Run(PublishOrder order, TextWriter output, CancellationToken stop)
    {
        using var connections = new PublisherConnections(order);
        var begun = Wire.Now();
        var limit = begun + (long)(order.LimitSeconds * TimeSpan.TicksPerSecond);

        while (!stop.IsCancellationRequested && connections.Answered < order.Count)
        {
            var now = Wire.Now();
            // With a rate, requests that are still open then have missed the limit.
            if (now > limit && (order.Rate > 0 || connections.Sent == connections.Answered))
                break;
            connections.SendDue(begun, now, limit);
            connections.Read();
        }

        output.WriteLine(JsonSerializer.Serialize(connections.Result(Wire.Now() - begun)));
    }
}
