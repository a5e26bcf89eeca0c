namespace Benchmarks.Slots;

/// <summary>Topics of tenants, drawn by Zipf's law: the n-th tenant has 1/n of the first one's events.</summary>
internal sealed class ZipfTopics
{
    private readonly Random _random;
    private readonly double[] _sums;
    private readonly string[] _topics;

    public ZipfTopics(int tenants, int seed)
    {
        _random = new Random(seed);
        _sums = new double[tenants];
        _topics = new string[tenants];
        var sum = 0.0;
        for (var n = 0; n < tenants; n++)
        {
            _sums[n] = sum += 1.0 / (n + 1);
            _topics[n] = $"tenant{n}.orders";
        }
    }

    public string Next()
    {
        var at = Array.BinarySearch(_sums, _random.NextDouble() * _sums[^1]);
        return _topics[at < 0 ? ~at : at];
    }

    /// <summary>Draws until there are this many different topics, as readers choose them.</summary>
    public IReadOnlyList<string> Distinct(int count)
    {
        var drawn = new HashSet<string>(StringComparer.Ordinal);
        while (drawn.Count < count)
            drawn.Add(Next());
        return [.. drawn];
    }
}
