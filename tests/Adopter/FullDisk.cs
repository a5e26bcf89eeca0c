using Microsoft.Extensions.Logging.Abstractions;

namespace Adopter;

/// <summary>An application's logger that fails at each entry of the streams from a level on.</summary>
internal sealed class FullDisk(LogLevel from) : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Streaming.", StringComparison.Ordinal) ? this : NullLogger.Instance;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= from;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
            throw new IOException("The disk is full.");
    }

    public void Dispose() { }
}
