namespace Benchmarks.Measurements;

/// <summary>Values of several rounds.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Returns the ratios of the rounds that both have.</summary>
    public static double[] Ratios(IReadOnlyDictionary<int, double> mine, IReadOnlyDictionary<int, double> theirs) =>
        [.. mine.Where(m => theirs.TryGetValue(m.Key, out var t) && t > 0).Select(m => m.Value / theirs[m.Key])];

    /// <summary>Returns the values of one metric by round, by server.</summary>
    public static Dictionary<string, Dictionary<int, double>> ByServer(IEnumerable<Sample> ofMetric) =>
        ofMetric.GroupBy(s => s.Server).ToDictionary(s => s.Key, s => s.ToDictionary(x => x.Round, x => x.Value));
}
