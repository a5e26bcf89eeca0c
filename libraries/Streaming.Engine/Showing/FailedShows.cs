using System.Collections.Concurrent;
using Streaming.Metrics;

namespace Streaming.Showing;

/// <summary>Counts and logs the events that a function of the application could not form. Thread-safe.</summary>
internal sealed class FailedShows(StreamingMetrics metrics, TimeProvider clock, ILogger<FailedShows> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, LogPause> _pauses = new(StringComparer.Ordinal);

    /// <summary>Logs the first failure of an endpoint, and one after each pause: a function often fails for all events
    /// of all streams.</summary>
    public void Report(string endpoint, EventRecord record, Exception error)
    {
        metrics.Unframed();

        if (!_pauses.GetOrAdd(endpoint, _ => new LogPause(clock, Pause)).IsOver())
            return;

        logger.LogError(
            error,
            "The function that shows the events of {Endpoint} failed for event {Position} of {Topic}: the stream tells "
                + "only its position. More failures of this endpoint are only counted, for {Minutes} minutes",
            endpoint,
            record.Position,
            record.Topic,
            Pause.TotalMinutes
        );
    }
}
