using Benchmarks.Client;
using Benchmarks.Machine;
using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Measurements;

/// <summary>The state that the measurements share.</summary>
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

    /// <summary>Errors of StreamApi that fail the run.</summary>
    public List<string> Wrong { get; } = [];

    /// <summary>Returns a topic that was not used before.</summary>
    public string NewTopic() => $"benchmark.{++_topics}";

    /// <summary>Tells if a reader got every event, once and in order. Otherwise its values are of the events that came,
    /// so they must not be recorded; for StreamApi it is an error.</summary>
    public bool IsWhole(Measurement measurement, Peer peer, ReadResult read) =>
        IsWhole(measurement, peer, read.Lost, read.Wrong);

    /// <inheritdoc cref="IsWhole(Measurement, Peer, ReadResult)"/>
    public bool IsWhole(Measurement measurement, Peer peer, long lost, long wrong)
    {
        if (lost == 0 && wrong == 0)
            return true;
        (peer is StreamApiPeer ? Wrong : Skipped).Add(
            $"{measurement.Name}, round {Round}, {peer.Name}: {lost} lost, {wrong} duplicated or reordered."
        );
        return false;
    }

    /// <summary>Measurements that could not be made, and why.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>Reports a peer that this machine does not have.</summary>
    /// <param name="why">The reason, or null if nothing is missing.</param>
    public void Miss(string peer, string? why)
    {
        if (why is null)
            return;

        Skipped.Add($"{peer}: {why}");
        progress($"without {peer}: {why}");
    }

    /// <summary>Measures the peers one after the other, in reverse order every other round, so that none
    /// always follows the same one. If one fails, the others' results stay; for StreamApi it is an error.</summary>
    public async Task InTurnAsync(
        Measurement measurement,
        Func<Peer, Task> measure,
        CancellationToken cancellationToken
    )
    {
        foreach (var peer in Round % 2 == 1 ? peers : peers.Reverse())
        {
            if (Quiet is not null)
                await Quiet.WaitAsync(cancellationToken);
            try
            {
                await measure(peer);
            }
            catch (BenchmarkException e)
            {
                var failed = $"{measurement.Name}, round {Round}, {peer.Name}: {e.Message}";
                (peer is StreamApiPeer ? Wrong : Skipped).Add(failed);
                progress($"not measured: {failed}");
            }
        }
    }

    /// <summary>Wait before the measurement of each server; without one, none waits.</summary>
    public QuietMachine? Quiet { get; init; }

    public void Progress(string text) => progress(text);

    public double Seconds(double full) => options.Quick ? Math.Min(full, 2) : full;

    public void Record(
        Measurement measurement,
        string server,
        params ReadOnlySpan<(Metric Metric, double Value)> metrics
    )
    {
        var text = new List<string>();
        foreach (var (metric, value) in metrics)
        {
            Samples.Add(new Sample(measurement.Name, server, metric, Round, value));
            text.Add($"{metric.Name} {Metric.Number(value)} {metric.Unit}");
        }

        progress($"{measurement.Name} {Round}/{options.Rounds} {server}: {string.Join(", ", text)}");
    }
}
