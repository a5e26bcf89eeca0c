using System.Globalization;
using System.Text;
using LoadTests.Targets;

namespace LoadTests.Peers;

/// <summary>StreamApi and its peers in turns, so that what else the machine does hits all of them; medians, and ratios to the first.</summary>
internal static class PeerTable
{
    private const int Rounds = 3;
    private static readonly (int Clients, int Rate, double Seconds)[] Shapes = [(1_000, 20, 8), (1_000, 100, 8), (5_000, 10, 8)];

    public static async Task<bool> RunAsync(LoadOptions options, Uri target, CancellationToken cancellationToken)
    {
        var replicas = await ReplicaSet.DiscoverAsync(target, cancellationToken);
        await using var nchan = await NchanPeer.StartAsync(cancellationToken);
        await using var streamapi = new StreamApiPeer(replicas.Replicas[0], $"load.peers-{Guid.NewGuid():N}");
        var text = new StringBuilder("# StreamApi beside Nchan\n\n");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Rounds} rounds in turns, medians; {Environment.ProcessorCount} cores that servers and generator share; the same client for both. StreamApi makes every event durable (Postgres) and relays it (Redis) before it is delivered; its CPU is the delivering replica's.\n");
        text.AppendLine("| clients × events/s | server | delivered | p50 ms | p99 ms | p99.9 ms | server CPU µs/delivery | all there after s |").AppendLine("|---|---|---|---|---|---|---|---|");
        var complete = true;
        foreach (var (clients, rate, seconds) in options.Clients is { } c ? [(c, options.Rate ?? 20, options.Seconds ?? 8)] : Shapes)
        {
            var rounds = new List<PeerFigures>();
            for (var round = 0; round < Rounds; round++)
                foreach (var peer in (Peer[])[streamapi, nchan])
                {
                    rounds.Add(await PeerRun.RunAsync(peer, clients, rate, seconds, cancellationToken));
                    await Console.Error.WriteLineAsync(rounds[^1].ToString());
                }
            var (ours, theirs) = (Median(rounds, streamapi.Name), Median(rounds, nchan.Name));
            foreach (var f in (PeerFigures[])[ours, theirs])
                text.AppendLine(CultureInfo.InvariantCulture, $"| {clients} × {rate} | {f.Peer} | {f.Received} of {f.Expected} | {f.P50Ms:F1} | {f.P99Ms:F1} | {f.P999Ms:F1} | {f.ServerMicroseconds:F1} | {f.ConnectSeconds:F2} |");
            text.AppendLine(CultureInfo.InvariantCulture, $"| | ratio | | {ours.P50Ms / theirs.P50Ms:F2} | {ours.P99Ms / theirs.P99Ms:F2} | {ours.P999Ms / theirs.P999Ms:F2} | {ours.ServerMicroseconds / theirs.ServerMicroseconds:F2} | {ours.ConnectSeconds / theirs.ConnectSeconds:F2} |");
            complete &= rounds.Where(r => r.Peer == streamapi.Name).All(r => r.Received == r.Expected);
        }
        Directory.CreateDirectory(options.ReportFolder);
        await File.WriteAllTextAsync(Path.Combine(options.ReportFolder, "peers.md"), text.ToString(), cancellationToken);
        Console.Write(text);
        if (!complete) await Console.Error.WriteLineAsync("FAILED: StreamApi did not deliver everything.");
        return complete;
    }

    /// <summary>Each figure's median by itself.</summary>
    private static PeerFigures Median(IEnumerable<PeerFigures> rounds, string peer)
    {
        var mine = rounds.Where(r => r.Peer == peer).ToList();
        double Of(Func<PeerFigures, double> figure) => mine.Select(figure).Order().ElementAt(mine.Count / 2);
        return mine[0] with
        {
            Received = mine.Min(r => r.Received), P50Ms = Of(r => r.P50Ms), P99Ms = Of(r => r.P99Ms), P999Ms = Of(r => r.P999Ms),
            ServerMicroseconds = Of(r => r.ServerMicroseconds), ConnectSeconds = Of(r => r.ConnectSeconds),
        };
    }
}
