using Adopter.Databases;

namespace Adopter.Schema;

/// <summary>An application that puts its own log around the library's, such as one that counts.</summary>
public sealed class WrappedLogTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_schema_of_a_wrapped_log_is_created()
    {
        var builder = LogApp.Builder(await DatabaseQuestions.CreateDatabaseAsync());
        builder.AddEventStore("log");
        Wrap(builder.Services);
        await using var app = await LogApp.StartAsync(builder);

        await app.AppendAsync("7");

        Assert.Equal(1, Assert.IsType<CountingLog>(app.Services.GetRequiredService<IEventLog>()).Appends);
    }

    private static void Wrap(IServiceCollection services)
    {
        var log = services.Single(service => service.ServiceType == typeof(IEventLog));
        services.Remove(log);
        services.AddSingleton<IEventLog>(provider => new CountingLog(
            (IEventLog)ActivatorUtilities.CreateInstance(provider, log.ImplementationType!)
        ));
    }

    private sealed class CountingLog(IEventLog inner) : IEventLog
    {
        public int Appends { get; private set; }

        public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
            IReadOnlyList<NewEvent> events,
            CancellationToken cancellationToken
        )
        {
            Appends++;
            return inner.AppendAsync(events, cancellationToken);
        }

        public Task<EventPage> ReadAsync(long after, EventFilter? filter, CancellationToken cancellationToken) =>
            inner.ReadAsync(after, filter, cancellationToken);

        public Task<EventPage> ReadPageAsync(
            long after,
            EventFilter? filter,
            int mostEvents,
            int mostBytes,
            CancellationToken cancellationToken
        ) => inner.ReadPageAsync(after, filter, mostEvents, mostBytes, cancellationToken);
    }
}
