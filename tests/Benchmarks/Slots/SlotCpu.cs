using System.Diagnostics;
using System.Globalization;
using Benchmarks.Measurements;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Slots;

/// <summary>
/// Measures the CPU of one replica, a process of its own, without a reader or with a quiet one, while the slots of
/// others carry 50,000 events/s through Redis, beside the same replica while nothing is published (<c>-- slots-cpu
/// [slots …]</c>). Also the cost of the slots for a replica whose reader needs all of them.
/// </summary>
internal sealed class SlotCpu : IAsyncDisposable
{
    /// <summary>The most CPU that the replica may use for the events of others, × what it uses without events.
    /// </summary>
    private const double MostRatio = 1.2;

    private const int Rounds = 5,
        Tenants = 200,
        // As the Broadcaster relays group commits of 1,000 events.
        PagesPerSecond = 50,
        EventsPerPage = 1_000,
        WidePagesPerSecond = 50,
        WideEventsPerPage = 40;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(6),
        Settle = TimeSpan.FromSeconds(1);

    private readonly StreamApiPeer _replica;
    private readonly RelayedLoad _load;
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _stop = new();

    private SlotCpu(StreamApiPeer replica, RelayedLoad load) => (_replica, _load) = (replica, load);

    /// <returns>False if a replica uses more CPU than it may.</returns>
    public static async Task<bool> RunAsync(string[] counts, CancellationToken cancellationToken)
    {
        var isWithin = true;
        foreach (var slots in counts.Length == 0 ? ["4096"] : counts)
        {
            Console.WriteLine(
                $"\n### {slots} slots, other slots carry {PagesPerSecond * EventsPerPage:N0} events/s in "
                    + $"{PagesPerSecond} pages/s\n\n| replica, % of a core | idle | meanwhile | ratio | an index |\n"
                    + "|---|---|---|---|---|"
            );
            foreach (var leaves in (bool[])[false, true])
            {
                await using var cpu = await StartAsync(slots, leaves, cancellationToken);
                isWithin &= await cpu.MeasureAsync(leaves, cancellationToken);
            }
        }
        return isWithin;
    }

    private static async Task<SlotCpu> StartAsync(string slots, bool leaves, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>
        {
            ["EventStore__Slots"] = slots,
            ["OTEL_SDK_DISABLED"] = "true",
            // Sooner than by default: a replica has left the page indexes before it is measured.
            ["Streaming__LeaveIndexesAfter"] = leaves ? "00:00:05" : "00:00:00",
        };
        var replica = await StreamApiPeer.StartAsync(durable: false, cancellationToken, settings);
        // The load publishes in its place.
        await replica.System.World.Broadcasters[0].DisposeAsync();
        var stores = replica.System.Stores;
        var count = int.Parse(slots, CultureInfo.InvariantCulture);
        return new SlotCpu(
            replica,
            await RelayedLoad.OpenAsync(
                stores.Postgres.ConnectionString,
                stores.Redis.ConnectionString,
                count,
                cancellationToken
            )
        );
    }

    /// <returns>False if the replica uses more CPU than it may.</returns>
    private async Task<bool> MeasureAsync(bool leaves, CancellationToken cancellationToken)
    {
        var without = leaves ? await MeasureQuietAsync("without a reader", cancellationToken) : 0;
        await ReadAsync("quiet", cancellationToken);
        var quiet = await MeasureQuietAsync(
            leaves ? "with a quiet reader" : "with a quiet reader, receives the indexes",
            cancellationToken
        );
        if (!leaves)
            return true;
        await MeasureWideAsync(cancellationToken);
        return Math.Max(without, quiet) <= MostRatio;
    }

    /// <summary>Returns the CPU while other slots carry events, × the CPU without events.</summary>
    private async Task<double> MeasureQuietAsync(string name, CancellationToken cancellationToken)
    {
        var topics = new ZipfTopics(Tenants, seed: 7);
        // A fresh process compiles its code while it is used; that is no cost of the events.
        for (var i = 0; i < 3; i++)
        {
            await CpuAsync(topics.Next, PagesPerSecond, EventsPerPage, cancellationToken);
            await CpuAsync(topics.Next, 0, 0, cancellationToken);
        }
        var (idle, busy) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            idle.Add(await CpuAsync(topics.Next, 0, 0, cancellationToken));
            busy.Add(await CpuAsync(topics.Next, PagesPerSecond, EventsPerPage, cancellationToken));
        }
        var ratio = Statistics.Median(busy) / Statistics.Median(idle);
        Console.WriteLine(
            $"| {name} | {Percent(idle)}; {Statistics.Median(idle):P2} "
                + $"| {Percent(busy)}; {Statistics.Median(busy):P2} | {ratio:F2} "
                + $"| {(Statistics.Median(busy) - Statistics.Median(idle)) * 1e6 / PagesPerSecond:N0} µs |"
        );
        return ratio;
    }

    /// <summary>Measures a replica that needs every slot, with many topics.</summary>
    private async Task MeasureWideAsync(CancellationToken cancellationToken)
    {
        var topics = new ZipfTopics(20_000, seed: 7);
        // Pages that the replica still holds would be a gap to the new reader, and the store does not have them.
        await _load.PublishAsync(topics.Next, 0, 0, 2 * Settle, cancellationToken);
        var before = ProcessStats.Cpu(_replica.Front);
        await ReadAsync("%3E", cancellationToken);
        var subscribing = ProcessStats.Cpu(_replica.Front) - before;
        await CpuAsync(topics.Next, WidePagesPerSecond, WideEventsPerPage, cancellationToken);
        var wide = new List<double>();
        var bodies = _load.Bodies;
        for (var round = 0; round < Rounds; round++)
            wide.Add(await CpuAsync(topics.Next, WidePagesPerSecond, WideEventsPerPage, cancellationToken));
        var pages = Rounds * WidePagesPerSecond * Time.TotalSeconds;
        Console.WriteLine(
            $"\nAn index's signature and bytes take {_load.ReadIndex(Tenants):N0} µs.\n\n"
                + $"A reader of every topic: subscribing took {subscribing * 1_000:N0} ms of CPU; then, at "
                + $"{WidePagesPerSecond * WideEventsPerPage:N0} events/s on 20,000 topics, "
                + $"{(_load.Bodies - bodies) / pages:N0} bodies a page, "
                + $"{Percent(wide)}, median {Statistics.Median(wide):P2} of a core. "
                + $"Largest heartbeat: {_load.LargestHeartbeat:N0} bytes."
        );
    }

    /// <summary>Opens a stream, while heartbeats come, and waits until its slots are subscribed.</summary>
    private async Task ReadAsync(string topic, CancellationToken cancellationToken)
    {
        var stream = await _http.GetStreamAsync(_replica.Subscribe(topic), cancellationToken);
        _ = stream.CopyToAsync(Stream.Null, _stop.Token);
        await _load.PublishAsync(() => "", 0, 0, 4 * Settle, cancellationToken);
    }

    /// <summary>Returns the replica's CPU time a second while events are published.</summary>
    private async Task<double> CpuAsync(
        Func<string> topic,
        int pagesPerSecond,
        int eventsPerPage,
        CancellationToken cancellationToken
    )
    {
        // Work that the phase before has left is not counted in this one.
        await _load.PublishAsync(topic, pagesPerSecond, eventsPerPage, Settle, cancellationToken);
        var (begun, before) = (Stopwatch.GetTimestamp(), ProcessStats.Cpu(_replica.Front));
        await _load.PublishAsync(topic, pagesPerSecond, eventsPerPage, Time, cancellationToken);
        var used = ProcessStats.Cpu(_replica.Front) - before;
        return used / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static string Percent(IEnumerable<double> parts) =>
        string.Join(", ", parts.Select(part => part.ToString("P2", CultureInfo.InvariantCulture)));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _http.Dispose();
        await _load.DisposeAsync();
        await _replica.DisposeAsync();
        _stop.Dispose();
    }
}
