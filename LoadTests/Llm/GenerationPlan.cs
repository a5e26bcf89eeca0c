using System.Diagnostics;
using LoadTests.Loads;

namespace LoadTests.Llm;

/// <summary>Decides the length of generations, their starts and their readers'
/// drops, so that a steady number runs and none starts too late to count.</summary>
internal sealed class GenerationPlan(ScenarioScale scale)
{
    private const double LongestSeconds = 12,
        ShortestSeconds = 1;
    private const int MaxTokens = 4_000;
    private long _started;
    private readonly double _dropSeconds = Math.Max(2, scale.Clients / 10.0);

    /// <summary>Returns the time of a reader's next drop: about ten drops per second over all readers, at most one per
    /// reader every two seconds.</summary>
    public long NextDrop() =>
        Stopwatch.GetTimestamp()
        + (long)(_dropSeconds * (0.2 + (0.8 * Random.Shared.NextDouble())) * Stopwatch.Frequency);

    /// <summary>Returns a client's start delay. Starting all at once would measure the initial queue.</summary>
    public TimeSpan Stagger(int client) =>
        TimeSpan.FromSeconds(Math.Min(1, scale.Seconds / 4) * client / scale.Clients);

    /// <summary>Returns the length of a client's next generation in tokens, or null when the time is over.</summary>
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

        // Different lengths keep generations from ending together.
        var seconds = LongestSeconds * (0.5 + (0.5 * Random.Shared.NextDouble()));
        if (left < seconds + ShortestSeconds)
            seconds = Math.Min(left, LongestSeconds);

        return Math.Clamp((int)(seconds * scale.Rate), 1, MaxTokens);
    }
}
