namespace StreamApi.Seeds.Resilient;

/// <summary>Timing of the sources.</summary>
/// <remarks>Constants for operators: no key sets them. Tests make them smaller.</remarks>
internal sealed class ResilientOptions
{
    /// <summary>Retries of a failing source before it is stopped.</summary>
    public const int MaxRetries = 3;

    /// <summary>Milliseconds between messages.</summary>
    internal int IntervalMilliseconds { get; set; } = 1_000;

    /// <summary>Milliseconds before the first retry; doubled for each further one. The third comes after 30 s at
    /// most.</summary>
    internal int RetryMilliseconds { get; set; } = 2_000;

    /// <summary>Seconds after its last reader until a source stops.</summary>
    internal int IdleSeconds { get; set; } = 60;

    /// <summary>The longest time between two reads of a source.</summary>
    public static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    public TimeSpan Interval => TimeSpan.FromMilliseconds((double)IntervalMilliseconds);

    /// <param name="retry">Number of the retry, from 1.</param>
    public TimeSpan RetryDelay(int retry) => TimeSpan.FromMilliseconds((double)(RetryMilliseconds << (retry - 1)));
}
