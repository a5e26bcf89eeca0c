using EventStore;
using Integration.Delivery;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using StreamApi.Seeds.Basics;

namespace Integration.Seeds;

/// <summary>The cost of the ticks without a reader.</summary>
public sealed class TickerTests
{
    [Fact]
    public async Task Without_a_reader_a_replica_asks_the_store_six_times_in_the_time_that_ticks_linger()
    {
        var stop = TestContext.Current.CancellationToken;
        var settings = await Stores.Shared.CreateMigratedAsync(stop);
        await using var log = await OpenLog.OpenAsync(settings);
        var asked = new CommandCounter();
        using var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(asked));
        await using var database = new NpgsqlDataSourceBuilder(settings.ConnectionString)
            .UseLoggerFactory(loggers)
            .Build();
        var clock = new FastClock();
        using var ticker = new Ticker(
            log.Host.Services.GetRequiredService<IEventLog>(),
            new TopicPresence(new ReaderTimes(database), NoStreams.Registry(), clock),
            clock,
            NullLogger<Ticker>.Instance
        );

        await ticker.StartAsync(stop);
        await Eventually.HoldsAsync(() => clock.Seconds >= 120, "two minutes have passed");
        await ticker.StopAsync(stop);

        Assert.InRange((long)asked.Count, 2, (clock.Seconds / 10) + 2);
    }

    /// <summary>A clock whose timers fire at once and take it forward by their time.</summary>
    private sealed class FastClock : TimeProvider
    {
        private long _passed;

        public long Seconds => Interlocked.Read(ref _passed) / TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() =>
            DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(Interlocked.Read(ref _passed));

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref _passed, Math.Max(0, dueTime.Ticks));
            return base.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Counts the commands of a data source, by its log.</summary>
    private sealed class CommandCounter : ILoggerProvider, ILogger
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public ILogger CreateLogger(string categoryName) =>
            categoryName == "Npgsql.Command" ? this : NullLogger.Instance;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        )
        {
            if (formatter(state, exception).StartsWith("Command execution completed", StringComparison.Ordinal))
                Interlocked.Increment(ref _count);
        }

        public void Dispose() { }
    }
}
