using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Measuring;

namespace Benchmarks.Client;

/// <summary>The mode <c>read-http</c>: the raw reader's work on <see cref="HttpClient"/>, as LoadTests uses it.
/// The difference to the raw reader is the framework's cost, the difference to LoadTests its own.</summary>
internal static class HttpReaderProgram
{
    private const int BufferBytes = 4_096;

    public static void Run(ReadOrder order, TextWriter output, CancellationToken stop)
    {
        GeneratorProcess.Prepare();
        try
        {
            RunAsync(order, output, stop).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) { }
    }

    private static async Task RunAsync(ReadOrder order, TextWriter output, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(order.LimitSeconds));
        using var places = new SemaphoreSlim(ReaderProgram.MaxInFlight);
        using var http = CreateClient();

        var (latency, begun, reads, lastAt) = (new LatencyHistogram(), Wire.Now(), 0L, 0L);
        var bodies = await Task.WhenAll(
            Enumerable
                .Range(0, order.Connections)
                .Select(i => OpenAsync(http, order.Urls[i % order.Urls.Length], places, limit.Token))
        );
        output.WriteLine(JsonSerializer.Serialize(new ReadersReady(bodies.Length, 0, Seconds(Wire.Now()))));

        var cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
        var scanners = await Task.WhenAll(bodies.Select(ReadAsync));
        var (latencies, events) = (latency.Snapshot(), scanners.Sum(s => s.Events));

        var result = new ReadResult(
            bodies.Length,
            events,
            Math.Max(0, order.Expect * bodies.Length - events),
            scanners.Sum(s => s.Wrong),
            latencies.Percentile(50),
            latencies.Percentile(99),
            latencies.Percentile(99.9),
            latencies.MaxMs,
            Seconds(lastAt),
            Environment.CpuUsage.TotalTime.TotalSeconds - cpu,
            reads
        );
        output.WriteLine(JsonSerializer.Serialize(result));

        double Seconds(long at) => (at - begun) / (double)TimeSpan.TicksPerSecond;

        async Task<EventScanner> ReadAsync(Stream body)
        {
            long now = 0;
            var scanner = new EventScanner(order.Expect, at => latency.RecordTicks(now - at));
            // HttpClient has consumed the head, and the scanner expects one
            scanner.Read("HTTP/1.1 200 OK\r\n\r\n"u8);

            var buffer = new byte[BufferBytes];
            while (scanner.Events < order.Expect && await body.ReadAsync(buffer, limit.Token) is > 0 and var number)
            {
                now = Wire.Now();
                Interlocked.Increment(ref reads);
                Volatile.Write(ref lastAt, now);
                scanner.Read(buffer.AsSpan(0, number));
            }

            return scanner;
        }
    }

    private static async Task<Stream> OpenAsync(
        HttpClient http,
        Uri url,
        SemaphoreSlim places,
        CancellationToken cancellationToken
    )
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            return await (await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellationToken))
                .EnsureSuccessStatusCode()
                .Content.ReadAsStreamAsync(cancellationToken);
        }
        finally
        {
            places.Release();
        }
    }

    private static HttpClient CreateClient() =>
        new(
            new SocketsHttpHandler
            {
                UseProxy = false,
                ConnectCallback = (to, _) =>
                    ValueTask.FromResult<Stream>(
                        new NetworkStream(
                            Wire.Connect(new IPEndPoint(IPAddress.Parse(to.DnsEndPoint.Host), to.DnsEndPoint.Port)),
                            ownsSocket: true
                        )
                    ),
            }
        );
}
