using System.Diagnostics;
using LoadTests.Scenarios;

namespace LoadTests.Llm;

/// <summary>How long generations are, when they begin, and how often their readers drop: so many run at any time, and
/// none starts too late to matter.</summary>
internal sealed class GenerationPlan(ScenarioScale scale)
{
    private const double LongestSeconds = 12,
        ShortestSeconds = 1;
    private const int MostTokens = 4_000;
    private long _started;
    private readonly double _dropSeconds = Math.Max(2, scale.Clients / 10.0);

    /// <summary>When a reader drops next: some ten drops a second over all readers, or one a reader each two
    /// seconds.</summary>
    public long NextDrop() =>
        Stopwatch.GetTimestamp()
        + (long)(_dropSeconds * (0.2 + (0.8 * Random.Shared.NextDouble())) * Stopwatch.Frequency);

    /// <summary>All at once would measure the crowd at the door.</summary>
    public TimeSpan Stagger(int client) =>
        TimeSpan.FromSeconds(Math.Min(1, scale.Seconds / 4) * client / scale.Clients);

    /// <summary>The length of a client's next generation in tokens; null where the time is over.</summary>
    public int? NextTokens(int generation, int client)
    {
        if (generation == 0)
            Interlocked.CompareExchange(ref _started, Stopwatch.GetTimestamp(), 0);
        var left =
            scale.Seconds
            - Stopwatch.GetElapsedTime(_started).TotalSeconds
            - (generation == 0 ? Stagger(client).TotalSeconds : 0);
        if (left < ShortestSeconds && generation > 0)
            return null;
        // Of different lengths, that they do not end together.
        var seconds = LongestSeconds * (0.5 + (0.5 * Random.Shared.NextDouble()));
        if (left < seconds + ShortestSeconds)
            seconds = Math.Min(left, LongestSeconds);
        return Math.Clamp((int)(seconds * scale.Rate), 1, MostTokens);
    }
}
