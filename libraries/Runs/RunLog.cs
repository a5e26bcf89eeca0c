using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Reads the runs of the store, whichever replica writes them.</summary>
internal sealed class RunLog(RunRegistry registry, RunReader reader, TopicReader topics, IOptions<RunOptions> options)
{
    public const string Announcement = "announced";

    /// <summary>Finds the run of this kind that an id identifies; null if there is none.</summary>
    public async Task<RunName?> FindAsync(string kind, StreamId id, CancellationToken cancellationToken) =>
        await topics.TopicAtAsync(id, cancellationToken) is { } topic
        && RunName.Of(topic) is { } name
        && name.Kind == kind
            ? name
            : null;

    /// <summary>Reads a run from its start, in bounded bytes (<see cref="RunOptions.MaxReadBytes"/>).</summary>
    public Task<RunExtent> ReadOldestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadOldestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>Reads the newest events of a run, in bounded bytes.</summary>
    public Task<RunExtent> ReadNewestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadNewestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>
    /// Reads the newest events of the stream that have certain types, and of the log up to and including one event, in
    /// bounded bytes.
    /// </summary>
    public Task<RunExtent> ReadNewestAsync(
        RunName name,
        string[] types,
        RunEntry logThrough,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) =>
        reader.ReadNewestAsync(
            name.Topic,
            types,
            logThrough.Position,
            options.Value.MaxReadBytes,
            take,
            cancellationToken
        );

    /// <summary>Reads the oldest event of a run's log, which is its announcement until retention drops it; null if the
    /// run does not exist.</summary>
    public Task<RunEntry?> FirstOfLogAsync(RunName name, CancellationToken cancellationToken) =>
        reader.FirstOfLogAsync(name.Topic, cancellationToken);

    /// <summary>Finds the first event of type <paramref name="question"/> in the log that no event of type
    /// <paramref name="answer"/> answers; its data are not read.</summary>
    public Task<RunEntry?> FirstUnansweredAsync(
        RunName name,
        string question,
        string answer,
        CancellationToken cancellationToken
    ) => reader.FirstUnansweredAsync(name.Topic, question, answer, cancellationToken);

    /// <summary>Reads the newest event of a run's stream.</summary>
    public Task<RunEntry?> LastAsync(RunName name, CancellationToken cancellationToken) =>
        reader.LastAsync(name.Topic, cancellationToken);

    /// <summary>Returns true while a replica writes the run.</summary>
    public Task<bool> IsRunningAsync(RunName name, CancellationToken cancellationToken) =>
        reader.IsRunningAsync(name.Topic, cancellationToken);

    /// <summary>Start of a run's log; null if the run does not exist.</summary>
    public Task<LogStart?> LogStartAsync(RunName name, CancellationToken cancellationToken) =>
        registry.LogStartAsync(name.Topic, cancellationToken);

    /// <summary>Reads the newest event of a run's log; null if the run does not exist.</summary>
    public Task<RunEntry?> LastOfLogAsync(RunName name, CancellationToken cancellationToken) =>
        reader.LastAsync(name.Log, cancellationToken);

    /// <summary>The user whose request began the run; null for an anonymous one.</summary>
    public Task<string?> OwnerAsync(RunName name, CancellationToken cancellationToken) =>
        registry.OwnerAsync(name.Topic, cancellationToken);

    /// <summary>Asks the writer, on any replica, to stop; false if the run is not running.</summary>
    public Task<bool> CancelAsync(RunName name, CancellationToken cancellationToken) =>
        registry.CancelAsync(name.Topic, cancellationToken);
}
