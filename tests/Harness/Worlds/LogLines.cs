using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Harness.Worlds;

/// <summary>Passes on the lines that a program would print.</summary>
internal sealed class LogLines(ConsoleFormatter format, Action<string> take) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, format, take);

    public void Dispose() { }

    private sealed class Logger(string category, ConsoleFormatter format, Action<string> take) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            using var text = new StringWriter();
            format.Write(
                new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter),
                scopeProvider: null,
                text
            );

            foreach (var line in text.ToString().TrimEnd().Split('\n'))
                take(line);
        }
    }
}
