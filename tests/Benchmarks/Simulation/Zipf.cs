namespace Benchmarks.Simulation;

/// <summary>Draws topics by Zipf's law in constant time (Walker's alias table).</summary>
internal sealed class Zipf
{
    private readonly double[] _threshold;
    private readonly int[] _alias;

    /// <param name="skew">Zipf's exponent.</param>
    /// <param name="topics">The topics, most frequent first.</param>
    public Zipf(double skew, int[] topics)
    {
        var count = topics.Length;
        Share = new double[count];
        var sum = 0.0;
        for (var rank = 0; rank < count; rank++)
            sum += Share[topics[rank]] = Math.Pow(rank + 1, -skew);
        for (var topic = 0; topic < count; topic++)
            Share[topic] /= sum;
        (_threshold, _alias) = (new double[count], new int[count]);
        var (small, large) = (new Stack<int>(), new Stack<int>());
        for (var topic = 0; topic < count; topic++)
        {
            _threshold[topic] = Share[topic] * count;
            (_threshold[topic] < 1 ? small : large).Push(topic);
        }
        while (small.Count > 0 && large.Count > 0)
        {
            var (low, high) = (small.Pop(), large.Pop());
            _alias[low] = high;
            _threshold[high] -= 1 - _threshold[low];
            (_threshold[high] < 1 ? small : large).Push(high);
        }
        foreach (var topic in small.Concat(large))
            _threshold[topic] = 1;
    }

    /// <summary>Probability of each topic.</summary>
    public double[] Share { get; }

    public int Draw(SimulationRandom random)
    {
        var topic = random.Below(_threshold.Length);
        return random.Unit() < _threshold[topic] ? topic : _alias[topic];
    }
}
