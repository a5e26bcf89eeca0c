using Microsoft.Extensions.Logging;

namespace Unit;

/// <summary>Keeps what one thread warns of.</summary>
internal sealed class WarningLines : ILoggerProvider, ILogger
{
    public List<string> Texts { get; } = [];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    )
    {
        if (IsEnabled(logLevel))
            Texts.Add(formatter(state, exception));
    }

    public void Dispose() { }
}
