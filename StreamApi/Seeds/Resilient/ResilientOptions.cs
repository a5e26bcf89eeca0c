using System.ComponentModel.DataAnnotations;
using EventStore;
using Streaming.Endpoints;

namespace StreamApi.Seeds.Resilient;

/// <summary>Timing and retries of the sources; section <c>Resilient</c>.</summary>
internal sealed class ResilientOptions
{
    private const int MomentsPerInterval = 10;

    /// <summary>Milliseconds between messages.</summary>
    [Range(10, 3_600_000)]
    public int IntervalMilliseconds { get; set; } = 1_000;

    /// <summary>Retries of a failing source before it is stopped.</summary>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 3;

    /// <summary>Milliseconds before the first retry; doubled for each further one.</summary>
    [Range(1, 60_000)]
    public int RetryMilliseconds { get; set; } = 2_000;

    /// <summary>Maximum milliseconds before a retry.</summary>
    [Range(1, 600_000)]
    public int MaxRetryMilliseconds { get; set; } = 30_000;

    /// <summary>Seconds after its last reader until a source stops.</summary>
    [Range(1, 86_400)]
    public int IdleSeconds { get; set; } = 60;

    /// <summary>
    /// Maximum milliseconds between checks for sources of other replicas. A replica reads its own sources on time.
    /// </summary>
    [Range(10, 10_000)]
    public int PollMilliseconds { get; set; } = 1_000;

    /// <summary>
    /// Days after its last reader at which a session is deleted, once its messages have left the log. 0: never.
    /// </summary>
    [Range(0, 36_500)]
    public int MaxAgeDays { get; set; } = 90;

    /// <summary>Sources that one client may start per minute by resumes on each replica, half of them at once. Beyond
    /// it the stream asks the client to return later.</summary>
    [Range(1, FeatureRequests.Unlimited)]
    public int? StartsPerMinute { get; set; }

    /// <summary>Sets unset limits to the defaults of the environment.</summary>
    public void Complete(bool development) => StartsPerMinute ??= development ? FeatureRequests.Unlimited : 10;

    /// <summary>
    /// Time between two moments at which sources are read. An interval has ten, so all sources are read in ten
    /// transactions, however many they are.
    /// </summary>
    public TimeSpan Step => TimeSpan.FromMilliseconds((double)IntervalMilliseconds) / MomentsPerInterval;

    /// <summary>Returns the first moment of reading at or after a time.</summary>
    public DateTimeOffset Moment(DateTimeOffset at) =>
        at.AddTicks((Step.Ticks - at.UtcTicks % Step.Ticks) % Step.Ticks);

    /// <summary>The longest time between two reads of a source: the moments of reading are rounded.</summary>
    public TimeSpan MaxPause => TimeSpan.FromMilliseconds(Math.Max(2.0 * IntervalMilliseconds, MaxRetryMilliseconds));

    public TimeSpan RetryDelay(int retry) =>
        Backoff.Longest(
            retry - 1,
            TimeSpan.FromMilliseconds(RetryMilliseconds),
            TimeSpan.FromMilliseconds(MaxRetryMilliseconds)
        );
}
