using Benchmarks.Reports;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>What the measurements share.</summary>
internal sealed class BenchmarkRun(
    BenchmarkOptions options,
    StreamApiPeer streamApi,
    IReadOnlyList<Peer> peers,
    Action<string> progress
)
{
    private int _topics;

    public BenchmarkOptions Options => options;
    public StreamApiPeer StreamApi => streamApi;
    public IReadOnlyList<Peer> Peers => peers;
    public int Round { get; set; }
    public List<Sample> Samples { get; } = [];

    /// <summary>What StreamApi did that it must never do.</summary>
    public List<string> Wrong { get; } = [];

    /// <summary>A topic that nobody has used before.</summary>
    public string NewTopic() => $"benchmark.{++_topics}";

    /// <summary>What could not be measured, and why.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>
    /// Each peer in turn, in the next round the other way round: nobody always measures after the same neighbour. One
    /// that does not manage (on a machine
    /// that is too busy, say) is skipped; the others' figures stand.
    /// </summary>
    public async Task InTurnAsync(Measurement measurement, Func<Peer, Task> measure)
    {
        foreach (var peer in Round % 2 == 1 ? peers : peers.Reverse())
        {
            try
            {
                await measure(peer);
            }
            catch (BenchmarkException e)
            {
                Skipped.Add($"{measurement.Name}, round {Round}, {peer.Name}: {e.Message}");
                progress($"skipped: {Skipped[^1]}");
            }
        }
    }

    public double Seconds(double full) => options.Quick ? Math.Min(full, 2) : full;

    public void Record(
        Measurement measurement,
        string server,
        params ReadOnlySpan<(Figure Figure, double Value)> figures
    )
    {
        var text = new List<string>();
        foreach (var (figure, value) in figures)
        {
            Samples.Add(new Sample(measurement.Name, server, figure, Round, value));
            text.Add($"{figure.Name} {Table.Number(value)} {figure.Unit}");
        }
        progress($"{measurement.Name} {Round}/{options.Rounds} {server}: {string.Join(", ", text)}");
    }
}
