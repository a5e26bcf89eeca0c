using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Resilient;

/// <summary>Pace and patience of the sessions' sources; section <c>Resilient</c>.</summary>
internal sealed class ResilientOptions
{
    /// <summary>From one message to the next, in milliseconds.</summary>
    [Range(10, 3_600_000)]
    public int IntervalMilliseconds { get; set; } = 1_000;

    /// <summary>How often a failing source is tried again before it is given up.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 3;

    /// <summary>Before the first retry, in milliseconds; doubled for each further one.</summary>
    [Range(1, 60_000)]
    public int RetryMilliseconds { get; set; } = 2_000;

    /// <summary>No retry waits longer, in milliseconds.</summary>
    [Range(1, 600_000)]
    public int MaxRetryMilliseconds { get; set; } = 30_000;

    /// <summary>Seconds after its last reader until a source stops.</summary>
    [Range(1, 86_400)]
    public int IdleSeconds { get; set; } = 60;

    /// <summary>How often a replica looks at least for sources that others no longer read, in milliseconds; its own it
    /// reads when they are due.</summary>
    [Range(10, 10_000)]
    public int PollMilliseconds { get; set; } = 1_000;

    public TimeSpan RetryDelay(int retry) =>
        TimeSpan.FromMilliseconds(Math.Min(RetryMilliseconds * Math.Pow(2, retry - 1), MaxRetryMilliseconds));
}
