// Stands in for Aspire.Hosting's ResourceLoggerService: keeps the console log
// of every replica and lets readers follow it. Not affiliated with Microsoft.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Aspire.Hosting.ApplicationModel;

public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

public class ResourceLoggerService
{
    private readonly ConcurrentDictionary<string, ConsoleLog> _logs = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns a logger for the AppHost's own messages about
    /// a replica, such as why it waits or failed to start.</summary>
    public ILogger GetLogger(string resourceName) => new ConsoleLogger(LogOf(resourceName));

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName) => FollowAsync(LogOf(resourceName));

    private static async IAsyncEnumerable<IReadOnlyList<LogLine>> FollowAsync(
        ConsoleLog log,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var (backlog, changes) = log.Follow();
        try
        {
            if (backlog.Count > 0)
                yield return backlog;
            while (await changes.Reader.WaitToReadAsync(cancellationToken))
            {
                var lines = new List<LogLine>();
                while (changes.Reader.TryRead(out var line))
                    lines.Add(line);
                yield return lines;
            }
        }
        finally
        {
            log.Unfollow(changes);
        }
    }

    internal ConsoleLog LogOf(string resourceId) => _logs.GetOrAdd(resourceId, _ => new());

    private sealed class ConsoleLogger(ConsoleLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (!IsEnabled(logLevel))
                return;
            var text = formatter(state, exception) + (exception is null ? "" : Environment.NewLine + exception);
            foreach (var line in text.Split('\n'))
                log.Add($"[sys] {line.TrimEnd('\r')}", logLevel >= LogLevel.Error);
        }
    }
}

/// <summary>The last console lines of one replica and the readers that follow them.</summary>
internal sealed class ConsoleLog
{
    private const int Capacity = 10_000;
    private readonly Lock _gate = new();
    private readonly Queue<LogLine> _lines = new();
    private readonly List<Channel<LogLine>> _followers = [];
    private int _count;

    public void Add(string text, bool isError)
    {
        lock (_gate)
        {
            var line = new LogLine(++_count, text, isError);
            _lines.Enqueue(line);
            if (_lines.Count > Capacity)
                _lines.Dequeue();
            foreach (var follower in _followers)
                follower.Writer.TryWrite(line);
        }
    }

    public (IReadOnlyList<LogLine> Backlog, Channel<LogLine> Changes) Follow()
    {
        var changes = Channel.CreateUnbounded<LogLine>(new() { SingleReader = true });
        lock (_gate)
        {
            _followers.Add(changes);
            return ([.. _lines], changes);
        }
    }

    public void Unfollow(Channel<LogLine> changes)
    {
        lock (_gate)
            _followers.Remove(changes);
    }
}
