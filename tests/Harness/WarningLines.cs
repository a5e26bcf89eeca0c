using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Harness;

/// <summary>A line of a log.</summary>
internal sealed record LoggedLine(LogLevel Level, string Text, Exception? Error);

/// <summary>Keeps the lines of a level and above. Thread-safe.</summary>
internal sealed class WarningLines(LogLevel least = LogLevel.Warning) : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<LoggedLine> _lines = new();

    public IReadOnlyList<LoggedLine> Lines => [.. _lines];

    public IReadOnlyCollection<string> Texts => [.. _lines.Select(line => line.Text)];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
            _lines.Enqueue(new LoggedLine(logLevel, formatter(state, exception), exception));
    }

    public void Dispose() { }
}
