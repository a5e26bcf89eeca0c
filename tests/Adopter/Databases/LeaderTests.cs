using System.Collections.Concurrent;

namespace Adopter.Databases;

/// <summary>Processes that cannot be told apart by what they are called.</summary>
public sealed class LeaderTests
{
    [Fact]
    public async Task Of_processes_with_one_name_one_leads()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        using var lines = new Lines();
        await using var first = await StartAsync(database, lines);
        await Eventually.HoldsAsync(() => lines.Leads == 1, "the first one leads");
        await using var second = await StartAsync(database, lines);
        await using var third = await StartAsync(database, lines);

        // The others have tried several times by the time the lease would have expired.
        var renewed = await ExpiryAsync(database);
        for (var renewals = 0; renewals < 4; renewals++)
        {
            await Eventually.HoldsAsync(async () => await ExpiryAsync(database) != renewed, "the lease is renewed");
            renewed = await ExpiryAsync(database);
        }

        Assert.Equal(1, lines.Leads);
    }

    private static Task<string?> ExpiryAsync(string database) =>
        DatabaseQuestions.AskAsync(
            database,
            "select expires_at::text from eventstore.leases where name = 'broadcaster'"
        );

    private static Task<LogApp> StartAsync(string database, Lines lines)
    {
        var builder = LogApp.Builder(database, "--Logging:LogLevel:EventStore.Leadership", "Information");
        builder.Logging.ClearProviders().AddProvider(lines);
        builder.AddEventStore("log");
        builder.AddSse(name: "orders");
        return LogApp.StartAsync(builder);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public int Leads => _lines.Count(line => line.Contains("is the leader", StringComparison.Ordinal));

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => _lines.Enqueue(formatter(state, exception));

        public void Dispose() { }
    }
}
