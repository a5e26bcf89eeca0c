using EventStore;
using Harness;
using Microsoft.Extensions.Logging;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>The log entries of streams: thousands end each minute, and operators look for those that ended
/// badly.</summary>
public sealed class StreamEndLoggerTests
{
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
        var lines = new WarningLines(LogLevel.Trace);
        Record(reason, lines);
        var line = Assert.Single(lines.Lines);
        Assert.Equal(level, line.Level);
        Assert.Contains($"Stream c of /events ended: {reason}, 0 events in ", line.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void No_reason_of_an_end_is_forgotten()
    {
        var lines = new WarningLines(LogLevel.Trace);
        foreach (var reason in Enum.GetValues<EndReason>())
            Record(reason, lines);

        Assert.Equal(5, lines.Lines.Count(line => line.Level == LogLevel.Information));
        Assert.Equal(7, lines.Lines.Count(line => line.Level == LogLevel.Debug));
    }

    [Fact]
    public void At_the_usual_level_a_usual_end_has_no_entry()
    {
        var lines = new WarningLines(LogLevel.Information);
        Record(EndReason.ClientGone, lines);
        Assert.Empty(lines.Lines);
    }

    private static void Record(EndReason reason, WarningLines lines)
    {
        var loop = new LoopRig();
        loop.Rings.Reset(Lineage.Alone("e"), 10);
        var stream = LoopStream.Open(loop).Connection;
        stream.MarkEnded(reason);
        using var logs = LoggerFactory.Create(to => to.SetMinimumLevel(LogLevel.Trace).AddProvider(lines));
        new StreamEndLogger(TimeProvider.System, logs.CreateLogger<StreamEndLogger>()).Record(stream);
    }
}
