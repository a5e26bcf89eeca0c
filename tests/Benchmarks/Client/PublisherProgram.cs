using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Measuring;

namespace Benchmarks.Client;

/// <summary>The mode <c>publish</c>: one thread that posts events. With a rate, each event is due by the
/// clock and carries that time, so a stalled server receives no fewer (coordinated omission).</summary>
internal static class PublisherProgram
{
    private sealed class Connection(Socket socket)
    {
        public Socket Socket => socket;
        public nint Descriptor { get; } = socket.Handle;
        public ResponseScanner? Answer;
        public long DueAt;
    }

    public static void Run(PublishOrder order, TextWriter output, CancellationToken stop)
    {
        using var epoll = new Epoll();
        var latency = new LatencyHistogram();
        var (connections, ready, buffer) = (new Connection[order.Connections], new int[1_024], new byte[256 * 1024]);
        var idle = new Queue<Connection>();
        for (var i = 0; i < connections.Length; i++)
            Connect(i);
        long sent = 0,
            answered = 0,
            accepted = 0,
            number = 0;
        var firstRefusal = 0;
        var begun = Wire.Now();
        var limit = begun + (long)(order.LimitSeconds * TimeSpan.TicksPerSecond);
        while (!stop.IsCancellationRequested && answered < order.Count)
        {
            var now = Wire.Now();
            if (now > limit && (order.Rate == 0 ? sent == answered : true))
                break;
            var due = order.Rate > 0 ? begun + (long)(sent * TimeSpan.TicksPerSecond / order.Rate) : now;
            while (idle.Count > 0 && sent < order.Count && due <= now && now <= limit)
            {
                Send(idle.Dequeue(), due);
                due = order.Rate > 0 ? begun + (long)(sent * TimeSpan.TicksPerSecond / order.Rate) : now = Wire.Now();
            }
            if (order.Rate > 0 && sent < order.Count && idle.Count > 0)
                epoll.WakeAfter(TimeSpan.FromTicks(Math.Max(1, due - Wire.Now())));
            var n = epoll.Wait(ready, 100);
            for (var i = 0; i < n; i++)
                if (ready[i] >= 0)
                    Read(ready[i]);
        }
        var latencies = latency.Snapshot();
        output.WriteLine(
            JsonSerializer.Serialize(
                new PublishResult(
                    sent,
                    accepted,
                    firstRefusal,
                    (Wire.Now() - begun) / (double)TimeSpan.TicksPerSecond,
                    latencies.Percentile(50),
                    latencies.Percentile(99),
                    Environment.CpuUsage.TotalTime.TotalSeconds
                )
            )
        );
        foreach (var connection in connections)
            connection.Socket.Dispose();

        void Connect(int index)
        {
            connections[index] = new Connection(
                Wire.Connect(new IPEndPoint(IPAddress.Parse(order.Url.Host), order.Url.Port))
            );
            epoll.Watch(connections[index].Descriptor, index);
            idle.Enqueue(connections[index]);
        }

        void Send(Connection connection, long due)
        {
            sent++;
            // A publish that waited for a connection is late since it was due.
            (connection.DueAt, connection.Answer) = (due, new ResponseScanner());
            connection.Socket.Send(Wire.Request("POST", order.Url, "Content-Type: application/json\r\n", Body(due)));
        }

        string Body(long due)
        {
            if (order.Topic is null)
                return Wire.Event(++number, due);
            if (order.Batch == 1)
                return Wrapped();
            var text = new StringBuilder("[");
            for (var i = 0; i < order.Batch; i++)
                text.Append(i > 0 ? "," : "").Append(Wrapped());
            return text.Append(']').ToString();
            string Wrapped() => $$"""{"topic":"{{order.Topic}}","type":"m","data":{{Wire.Event(++number, due)}}}""";
        }

        void Read(int index)
        {
            var connection = connections[index];
            var n = Epoll.Receive(connection.Descriptor, buffer);
            if (n < 0)
                return;
            if (n > 0 && connection.Answer?.Read(buffer.AsSpan(0, n)) is not true)
                return;
            if (connection.Answer is { } answer)
            {
                answered++;
                latency.RecordTicks(Wire.Now() - connection.DueAt);
                if (n > 0 && answer.Status is >= 200 and < 300)
                    accepted++;
                else if (firstRefusal == 0)
                    firstRefusal = n > 0 ? answer.Status : -1;
                connection.Answer = null;
                if (n > 0)
                {
                    idle.Enqueue(connection);
                    return;
                }
            }
            connection.Socket.Dispose();
            // A connection that the server closed while idle is still queued.
            idle = new Queue<Connection>(idle.Where(c => c != connection));
            Connect(index);
        }
    }
}
