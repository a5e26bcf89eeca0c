using System.Diagnostics;
using AspireSse.Client;
using Ledger;
using LoadTests.Chaos;
using LoadTests.Measuring;

namespace LoadTests.Peers;

/// <summary>What one peer did in one round.</summary>
internal sealed record PeerFigures(string Peer, int Events, long Received, long Expected, double P50Ms, double P99Ms, double P999Ms, double ServerMicroseconds, double ConnectSeconds);

/// <summary>One round: so many clients of one peer, so many events a second to all of them. The same client and publisher for everybody.</summary>
internal static class PeerRun
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task<PeerFigures> RunAsync(Peer peer, int clients, int rate, double seconds, CancellationToken cancellationToken)
    {
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var client = new SseClient();
        using var http = new HttpClient();
        var latency = new LatencyHistogram();
        var ledger = new DeliveryLedger();
        var publisher = ledger.AddPublisher("publisher");
        var there = 0;
        var connecting = Stopwatch.StartNew();
        var reading = Enumerable.Range(0, clients).Select(i => ReadAsync(ledger.AddReader($"{i}"))).ToList();
        // Not every server says when a stream is open: everybody is there when everybody has the same event.
        while (Volatile.Read(ref there) < clients)
        {
            if (connecting.Elapsed > Limit) throw new LoadTestException($"Only {there} of {clients} clients were served by {peer.Name} after {Limit.TotalSeconds} s.");
            if (reading.FirstOrDefault(r => r.IsFaulted) is { } failed) await failed;
            await peer.PublishAsync(http, LoadEvent.Json(1_000_000, 0, LoadEvent.Now(), 0), cancellationToken);
            await Task.Delay(200, cancellationToken);
        }
        var connected = connecting.Elapsed;
        var (cpu, events) = (Cpu(peer), (int)(rate * seconds));
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < events; i++)
        {
            if (TimeSpan.FromSeconds((double)i / rate) - clock.Elapsed is var early && early > TimeSpan.Zero) await Task.Delay(early, cancellationToken);
            var sequence = publisher.Next();
            await peer.PublishAsync(http, LoadEvent.Json(publisher.Number, sequence, LoadEvent.Now(), 120), cancellationToken);
            publisher.Acknowledge(sequence);
        }
        for (var waited = Stopwatch.StartNew(); ledger.MissingNow > 0 && waited.Elapsed < TimeSpan.FromSeconds(10);) await Task.Delay(100, cancellationToken);
        var used = Cpu(peer) - cpu;
        var figures = latency.Snapshot();
        await leave.CancelAsync();
        await Task.WhenAll(reading);
        return new PeerFigures(peer.Name, events, figures.Count, (long)events * clients, figures.Percentile(50), figures.Percentile(99), figures.Percentile(99.9),
            figures.Count == 0 ? 0 : used * 1e6 / figures.Count, connected.TotalSeconds);

        async Task ReadAsync(LedgerReader account)
        {
            var seen = false;
            try
            {
                await foreach (var e in client.Open(new SseRequest(peer.Subscribe)).WithCancellation(leave.Token))
                {
                    if (!LoadEvent.TryRead(e.Utf8Data.Span, out var from, out var sequence, out var publishedAt)) continue;
                    if (!seen) Interlocked.Increment(ref there);
                    seen = true;
                    if (from != 0) continue;
                    latency.RecordTicks((LoadEvent.Now() - publishedAt) / 100);
                    account.Receive(from, sequence);
                }
            }
            catch (OperationCanceledException) when (leave.IsCancellationRequested) { }
        }
    }

    private static double Cpu(Peer peer) => peer.Processes.Sum(ProcessTable.CpuSeconds);
}
