using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Measuring;

namespace Benchmarks.Client;

/// <summary>The mode <c>read</c>: one thread that reads many
/// streams. Reports when all are open, then the result.</summary>
internal static class ReaderProgram
{
    /// <summary>Concurrent connects, fewer than any server's backlog.</summary>
    internal const int MaxInFlight = 256;

    private sealed record Stream(Socket Socket, nint Descriptor, EventScanner Scanner);

    public static void Run(ReadOrder order, TextWriter output, CancellationToken stop)
    {
        using var epoll = new Epoll();
        var latency = new LatencyHistogram();
        var (streams, ready) = (new Stream?[order.Connections], new int[1_024]);
        var buffer = new byte[256 * 1024];
        long events = 0,
            wrong = 0,
            reads = 0,
            now = 0,
            lastAt = 0;
        int opened = 0,
            answered = 0,
            refused = 0,
            done = 0;
        var begun = Wire.Now();
        var (cpu, saidReady) = (0.0, false);
        while (
            !stop.IsCancellationRequested && (now = Wire.Now()) - begun < order.LimitSeconds * TimeSpan.TicksPerSecond
        )
        {
            while (opened < order.Connections && opened - answered < MaxInFlight)
                Open();
            if (!saidReady && answered == order.Connections)
            {
                saidReady = true;
                cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
                output.WriteLine(
                    JsonSerializer.Serialize(
                        new ReadersReady(answered - refused, refused, (now - begun) / (double)TimeSpan.TicksPerSecond)
                    )
                );
            }
            if (saidReady && order.Expect > 0 && done >= order.Connections - refused)
                break;
            var n = epoll.Wait(ready, opened < order.Connections ? 0 : 20);
            now = Wire.Now();
            for (var i = 0; i < n; i++)
                if (streams[ready[i]] is { } stream)
                    Read(ready[i], stream);
        }
        var latencies = latency.Snapshot();
        output.WriteLine(
            JsonSerializer.Serialize(
                new ReadResult(
                    answered - refused,
                    events,
                    Math.Max(0, order.Expect * order.Connections - events),
                    wrong,
                    latencies.Percentile(50),
                    latencies.Percentile(99),
                    latencies.Percentile(99.9),
                    latencies.MaxMs,
                    (lastAt - begun) / (double)TimeSpan.TicksPerSecond,
                    Environment.CpuUsage.TotalTime.TotalSeconds - cpu,
                    reads
                )
            )
        );
        // Closing the streams is work for the server, which the parent may still be measuring.
        stop.WaitHandle.WaitOne();
        GC.KeepAlive(streams);

        void Open()
        {
            var (url, id) = (order.Urls[opened % order.Urls.Length], order.LastEventIds?[opened % order.Urls.Length]);
            var socket = Wire.Connect(new IPEndPoint(IPAddress.Parse(url.Host), url.Port));
            socket.Send(
                Wire.Request(
                    "GET",
                    url,
                    $"Accept: text/event-stream\r\n{(id is null ? "" : $"Last-Event-ID: {id}\r\n")}"
                )
            );
            streams[opened] = new Stream(socket, socket.Handle, new EventScanner(order.Expect, Received));
            epoll.Watch(socket.Handle, opened++);
        }

        void Received(long at)
        {
            latency.RecordTicks(now - at);
            lastAt = now;
        }

        void Read(int index, Stream stream)
        {
            var (scanner, n) = (stream.Scanner, Epoll.Receive(stream.Descriptor, buffer));
            if (n < 0)
                return;
            reads++;
            var (before, status, wrongBefore) = (scanner.Events, scanner.Status, scanner.Wrong);
            scanner.Read(buffer.AsSpan(0, n));
            if (status == 0 && scanner.Status != 0)
            {
                answered++;
                if (scanner.Status != 200)
                    refused++;
            }
            else if (n == 0 && scanner.Status == 0)
            {
                answered++;
                refused++;
            }
            events += scanner.Events - before;
            wrong += scanner.Wrong - wrongBefore;
            if (order.Expect > 0 && before < order.Expect && scanner.Events >= order.Expect)
                done++;
            if (n > 0)
                return;
            if (scanner.Status == 200 && scanner.Events < order.Expect)
                done++; // ended by the server: missing events count as lost
            stream.Socket.Dispose();
            streams[index] = null;
        }
    }
}
