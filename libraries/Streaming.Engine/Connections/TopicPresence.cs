using System.Collections.Concurrent;
using EventStore;
using Streaming.Connections;

namespace AspireSse;

/// <summary>Tells whether somebody reads a topic, for events that are made only while somebody does.
/// Thread-safe.</summary>
/// <remarks>Needed to make events only while somebody reads them.</remarks>
public sealed class TopicPresence
{
    /// <summary>Number of times that a process without a reader asks the store within the given time.</summary>
    private const int AsksPerTime = 6;

    private readonly ReaderTimes _times;
    private readonly ConnectionRegistry _registry;
    private readonly TimeProvider _clock;

    /// <summary>Times before which the store is not asked again: one for each topic that nobody reads.</summary>
    private readonly ConcurrentDictionary<string, DateTimeOffset> _asksAgain = new(StringComparer.Ordinal);

    internal TopicPresence(ReaderTimes times, ConnectionRegistry registry, TimeProvider clock)
    {
        _times = times;
        _registry = registry;
        _clock = clock;
    }

    /// <summary>Returns true if a stream of this process names this topic now, or if a call in any of the application's
    /// processes found such a stream within this time. So call it regularly, in all processes.</summary>
    /// <param name="topic">A topic, not a pattern; streams over patterns do not count. Use few different topics,
    /// because each is kept for <see cref="EventStoreOptions.MaxAge"/>.</param>
    /// <param name="within">The time; a process without such a stream asks the store six times in it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="ArgumentException">The topic has a NUL or an unpaired surrogate.</exception>
    public async Task<bool> IsReadAsync(string topic, TimeSpan within, CancellationToken cancellationToken = default)
    {
        if (_registry.Open.Any(stream => stream.Topics.Contains(topic)))
        {
            await _times.NoteAsync(topic, cancellationToken);
            _asksAgain.TryRemove(topic, out _);
            return true;
        }

        // While nobody reads, the store is not asked each time.
        var now = _clock.GetUtcNow();
        if (now < _asksAgain.GetValueOrDefault(topic))
            return false;

        var isRead = await _times.WasReadAsync(topic, within, cancellationToken);
        _asksAgain[topic] = isRead ? now : now + within / AsksPerTime;
        return isRead;
    }

    /// <summary>Returns the topics that streams of this process name now and that match a pattern, each once.</summary>
    public IReadOnlyCollection<string> ReadHere(EventTopic pattern)
    {
        var wanted = pattern.ToString();
        return
        [
            .. _registry
                .Open.SelectMany(stream => stream.Topics)
                .Where(topic => TopicPattern.IsTopic(topic) && TopicPattern.Matches(wanted, topic))
                .Distinct(StringComparer.Ordinal),
        ];
    }
}
