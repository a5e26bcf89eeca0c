using System.Diagnostics;
using System.Globalization;
using Benchmarks.Servers;

namespace Benchmarks.Slots;

/// <summary>
/// Measures the CPU of one replica, a process of its own, whose readers are quiet while the slots of others carry
/// 50,000 events/s through Redis, beside the same replica while nothing is published (<c>-- slots-cpu [slots …]</c>).
/// Also the cost of the slots for a replica whose reader needs all of them.
/// </summary>
internal sealed class SlotCpu : IAsyncDisposable
{
    private const int Rounds = 6,
        Tenants = 200,
        // As the Broadcaster relays group commits of 1,000 events.
        PagesPerSecond = 50,
        EventsPerPage = 1_000,
        WidePagesPerSecond = 50,
        WideEventsPerPage = 40;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(8),
        Settle = TimeSpan.FromSeconds(1);

    private readonly StreamApiPeer _replica;
    private readonly RelayedLoad _load;
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _stop = new();

    private SlotCpu(StreamApiPeer replica, RelayedLoad load) => (_replica, _load) = (replica, load);

    public static async Task RunAsync(string[] counts, CancellationToken cancellationToken)
    {
        foreach (var slots in counts.Length == 0 ? ["1024", "4096"] : counts)
        {
            await using var cpu = await StartAsync(slots, cancellationToken);
            Console.WriteLine($"\n### {slots} slots\n");
            await cpu.MeasureQuietAsync(cancellationToken);
            await cpu.MeasureWideAsync(cancellationToken);
        }
    }

    private static async Task<SlotCpu> StartAsync(string slots, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string> { ["EventStore__Slots"] = slots, ["OTEL_SDK_DISABLED"] = "true" };
        var replica = await StreamApiPeer.StartAsync(durable: false, cancellationToken, settings);
        await replica.System.StopBroadcasterAsync();
        var stores = replica.System.Stores;
        var count = int.Parse(slots, CultureInfo.InvariantCulture);
        return new SlotCpu(
            replica,
            await RelayedLoad.OpenAsync(stores.EventStore, stores.Redis, count, cancellationToken)
        );
    }

    private async Task MeasureQuietAsync(CancellationToken cancellationToken)
    {
        await ReadAsync("quiet", cancellationToken);
        var topics = new ZipfTopics(Tenants, seed: 7);
        // A fresh process compiles its code while it is used; that is no cost of the events.
        for (var i = 0; i < 2; i++)
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
        Console.WriteLine(
            "| a replica with a quiet reader, % of a core | each phase | median |\n|---|---|---|\n"
                + $"| nothing is published | {Percent(idle)} | {Median(idle):P2} |\n"
                + $"| other slots carry {PagesPerSecond * EventsPerPage:N0} events/s | {Percent(busy)} "
                + $"| {Median(busy):P2} |\n\n"
                + $"Ratio of the medians: {Median(busy) / Median(idle):F2}. Largest heartbeat: "
                + $"{_load.LargestHeartbeat:N0} bytes. An index costs "
                + $"{(Median(busy) - Median(idle)) * 1e6 / PagesPerSecond:N0} µs, "
                + $"of which its signature and its bytes take {_load.ReadIndex(Tenants):N0} µs."
        );
    }

    /// <summary>Measures a replica that needs every slot, with many topics.</summary>
    private async Task MeasureWideAsync(CancellationToken cancellationToken)
    {
        var topics = new ZipfTopics(20_000, seed: 7);
        // Pages that the replica still holds would be a gap to the new reader, and the store does not have them.
        await _load.PublishAsync(topics.Next, 0, 0, 2 * Settle, cancellationToken);
        var before = ProcessClock.Seconds(_replica.Front);
        await ReadAsync("%3E", cancellationToken);
        var subscribing = ProcessClock.Seconds(_replica.Front) - before;
        await CpuAsync(topics.Next, WidePagesPerSecond, WideEventsPerPage, cancellationToken);
        var wide = new List<double>();
        var bodies = _load.Bodies;
        for (var round = 0; round < Rounds; round++)
            wide.Add(await CpuAsync(topics.Next, WidePagesPerSecond, WideEventsPerPage, cancellationToken));
        var pages = Rounds * WidePagesPerSecond * Time.TotalSeconds;
        Console.WriteLine(
            $"\nA reader of every topic: subscribing took {subscribing * 1_000:N0} ms of CPU; then, at "
                + $"{WidePagesPerSecond * WideEventsPerPage:N0} events/s on 20,000 topics, "
                + $"{(_load.Bodies - bodies) / pages:N0} bodies a page, {Percent(wide)}, median {Median(wide):P2} of a "
                + $"core. Largest heartbeat: {_load.LargestHeartbeat:N0} bytes."
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
        var (begun, before) = (Stopwatch.GetTimestamp(), ProcessClock.Seconds(_replica.Front));
        await _load.PublishAsync(topic, pagesPerSecond, eventsPerPage, Time, cancellationToken);
        var used = ProcessClock.Seconds(_replica.Front) - before;
        return used / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static string Percent(IEnumerable<double> parts) =>
        string.Join(", ", parts.Select(part => part.ToString("P2", CultureInfo.InvariantCulture)));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _http.Dispose();
        await _load.DisposeAsync();
        await _replica.DisposeAsync();
        _stop.Dispose();
    }
}
