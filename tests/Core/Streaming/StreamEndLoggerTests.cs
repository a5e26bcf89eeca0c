using EventStore;
using Microsoft.Extensions.Logging;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>The log entries of streams: thousands end each minute, and operators look for those that ended
/// badly.</summary>
public sealed class StreamEndLoggerTests
{
    private readonly Entries _entries = new();

    [Theory]
    [InlineData(EndReason.ClientGone, LogLevel.Debug)]
    [InlineData(EndReason.Complete, LogLevel.Debug)]
    [InlineData(EndReason.Drained, LogLevel.Debug)]
    [InlineData(EndReason.Aged, LogLevel.Debug)]
    [InlineData(EndReason.Closed, LogLevel.Debug)]
    [InlineData(EndReason.Unauthorized, LogLevel.Debug)]
    [InlineData(EndReason.Replaced, LogLevel.Debug)]
    [InlineData(EndReason.Dead, LogLevel.Information)]
    [InlineData(EndReason.TooSlow, LogLevel.Information)]
    [InlineData(EndReason.Stalled, LogLevel.Information)]
    [InlineData(EndReason.Outdated, LogLevel.Information)]
    [InlineData(EndReason.Failed, LogLevel.Information)]
    internal void A_stream_has_one_entry_with_its_reason_and_only_a_bad_end_is_above_Debug(
        EndReason reason,
        LogLevel level
    )
    {
        Record(reason);
        var (at, text) = Assert.Single(_entries.All);
        Assert.Equal(level, at);
        Assert.Contains($"Stream c of /events ended: {reason}, 0 events in ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_reason_of_an_end_is_forgotten()
    {
        foreach (var reason in Enum.GetValues<EndReason>())
            Record(reason);

        Assert.Equal(5, _entries.All.Count(entry => entry.Level == LogLevel.Information));
        Assert.Equal(7, _entries.All.Count(entry => entry.Level == LogLevel.Debug));
    }

    [Fact]
    public void At_the_usual_level_a_usual_end_has_no_entry()
    {
        _entries.Least = LogLevel.Information;
        Record(EndReason.ClientGone);
        Assert.Empty(_entries.All);
    }

    private void Record(EndReason reason)
    {
        var loop = new LoopRig();
        loop.Rings.Reset(Lineage.Alone("e"), 10);
        var stream = LoopStream.Open(loop).Connection;
        stream.MarkEnded(reason);
        new StreamEndLogger(TimeProvider.System, _entries).Record(stream);
    }

    private sealed class Entries : ILogger<StreamEndLogger>
    {
        public LogLevel Least { get; set; } = LogLevel.Trace;

        public List<(LogLevel Level, string Text)> All { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= Least;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (IsEnabled(logLevel))
                All.Add((logLevel, formatter(state, exception)));
        }
    }
}
