using System.Globalization;
using Benchmarks.Servers;

namespace Benchmarks.Slots;

/// <summary>
/// Measures the bytes that Redis sends to each of four replicas beside those that their readers need (<c>-- slots
/// [slots …]</c>).
/// </summary>
/// <remarks>A replica's need is counted in the same run, from the same bodies.</remarks>
internal sealed class SlotTraffic : IAsyncDisposable
{
    private const int Replicas = 4,
        Tenants = 200,
        TenantsPerReplica = 10,
        Rate = 2_000;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(8);

    private readonly StreamApiPeer _publisher;
    private readonly RelayTap _tap;
    private readonly LogWriter _log;
    private readonly List<SlotReplica> _replicas = [];

    private SlotTraffic(StreamApiPeer publisher, RelayTap tap, LogWriter log)
    {
        _publisher = publisher;
        _tap = tap;
        _log = log;
    }

    /// <returns>False if a replica received more bodies than it may.</returns>
    public static async Task<bool> RunAsync(string[] counts, CancellationToken cancellationToken)
    {
        var isWithin = SlotSimulation.Run();
        foreach (var slots in counts.Length == 0 ? ["256", "4096"] : counts)
        {
            await using var traffic = await StartAsync(slots, cancellationToken);
            Console.WriteLine($"\n### {slots} slots, four replicas, {Tenants} topics (Zipf), {Rate:N0} events/s\n");
            var count = int.Parse(slots, CultureInfo.InvariantCulture);
            var worst = await traffic.MeasureBytesAsync(count, cancellationToken);
            isWithin &= slots != "4096" || worst <= SlotSimulation.MostRatio;
        }
        return isWithin;
    }

    private static async Task<SlotTraffic> StartAsync(string slots, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string> { ["EventStore__Slots"] = slots, ["OTEL_SDK_DISABLED"] = "true" };
        var publisher = await StreamApiPeer.StartAsync(durable: false, cancellationToken, settings);
        var stores = publisher.System.Stores;
        return new SlotTraffic(
            publisher,
            await RelayTap.OpenAsync(stores.Redis.ConnectionString),
            new LogWriter(stores.Postgres.ConnectionString)
        );
    }

    /// <summary>Returns the highest ratio of a replica.</summary>
    private async Task<double> MeasureBytesAsync(int slots, CancellationToken cancellationToken)
    {
        for (var n = 0; n < Replicas; n++)
            _replicas.Add(await SlotReplica.StartAsync(_publisher, cancellationToken));
        Console.WriteLine("| without readers | bytes/s into a replica | heartbeats, bytes/s |\n|---|---|---|");
        await PrintAsync("no events", rate: 0);
        await PrintAsync($"{Rate:N0} events/s", Rate);

        var tenants = new ZipfTopics(Tenants, seed: 1);
        foreach (var replica in _replicas)
            await replica.ReadAsync(tenants.Distinct(TenantsPerReplica), cancellationToken);
        using var need = await NeedTap.OpenAsync(_publisher.System.Stores.Redis.ConnectionString, slots, _replicas);
        var all = await TrafficAsync(Rate, cancellationToken);
        var needs = need.Bytes.Select(bytes => bytes / Time.TotalSeconds).ToList();
        Console.WriteLine(
            "\n| replica | bodies, bytes/s | its readers need | ratio | indexes | heartbeats |\n"
                + "|---|---|---|---|---|---|"
        );
        for (var n = 0; n < Replicas; n++)
            Console.WriteLine(
                $"| {n + 1} | {all[_replicas[n]]:N0} | {needs[n]:N0} | {all[_replicas[n]] / needs[n]:F3} "
                    + $"| {_tap.Indexes / Time.TotalSeconds:N0} | {_tap.Heartbeats / Time.TotalSeconds:N0} |"
            );
        return needs.Select((needed, n) => all[_replicas[n]] / needed).Max();

        async Task PrintAsync(string name, int rate)
        {
            await TrafficAsync(rate, cancellationToken);
            var received = _replicas.Average(r => r.ReceivedSince) / Time.TotalSeconds;
            Console.WriteLine($"| {name} | {received:N0} | {_tap.OwnHeartbeats / Time.TotalSeconds:N0} |");
        }
    }

    /// <summary>Publishes for a while. Returns the bytes of bodies that each replica has received a second.</summary>
    private async Task<Dictionary<SlotReplica, double>> TrafficAsync(int rate, CancellationToken cancellationToken)
    {
        _tap.Restart();
        foreach (var replica in _replicas)
            replica.Restart();
        await _log.WriteAsync(new ZipfTopics(Tenants, seed: 7), rate, Time, cancellationToken);
        await Task.Delay(TimeSpan.FromMilliseconds(300), cancellationToken); // the last page is on its way
        return _replicas.ToDictionary(
            r => r,
            r => (r.ReceivedSince - _tap.Heartbeats - _tap.Indexes) / Time.TotalSeconds
        );
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
            await replica.DisposeAsync();
        await _log.DisposeAsync();
        _tap.Dispose();
        await _publisher.DisposeAsync();
    }
}
