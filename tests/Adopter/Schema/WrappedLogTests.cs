using System.Reflection;
using System.Text;
using System.Text.Json;
using Adopter.Databases;
using AspireSse.Server;

namespace Adopter.Schema;

/// <summary>An application that puts its own log around the library's, such as one that counts.</summary>
public sealed class WrappedLogTests
{
    private const BindingFlags AllOfInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

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

    [Fact]
    public async Task The_events_of_a_wrapped_log_are_written_as_the_application_configures()
    {
        var builder = LogApp.Builder(log: null);
        builder.AddInMemoryEventLog().AddSse();
        builder.Services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower
        );
        Wrap(builder.Services);
        await using var app = builder.Build();

        var log = app.Services.GetRequiredService<IEventLog>();
        await log.AppendAsync("orders.7", "paid", new { PaidBy = "ann" }, cancellationToken: Stop);

        var page = await log.ReadAsync(new(), Stop);
        Assert.Equal("""{"paid_by":"ann"}""", Encoding.UTF8.GetString(page.Events[0].Data.Span));
    }

    /// <summary>A decorator forwards what it must implement, and nothing else.</summary>
    [Fact]
    public void No_public_interface_has_a_member_that_a_decorator_may_leave_out()
    {
        Assembly[] libraries =
        [
            typeof(IEventLog).Assembly,
            typeof(IConnectionList).Assembly,
            typeof(IStreamAccess).Assembly,
            typeof(IRuns).Assembly,
            typeof(LlmGatewayOptions).Assembly,
        ];
        var members = libraries
            .SelectMany(library => library.GetExportedTypes())
            .Where(type => type.IsInterface)
            .SelectMany(type => type.GetMethods(AllOfInstance))
            .ToArray();

        Assert.NotEmpty(members);
        Assert.DoesNotContain(members, member => !member.IsAbstract || !member.IsPublic);
    }

    private static void Wrap(IServiceCollection services)
    {
        var log = services.Single(service => service.ServiceType == typeof(IEventLog));
        services.Remove(log);
        services.AddSingleton<IEventLog>(provider => new CountingLog(
            log.ImplementationFactory?.Invoke(provider) as IEventLog
                ?? (IEventLog)ActivatorUtilities.CreateInstance(provider, log.ImplementationType!)
        ));
    }

    private sealed class CountingLog(IEventLog inner) : IEventLog
    {
        public int Appends { get; private set; }

        public JsonSerializerOptions Json => inner.Json;

        public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
            IReadOnlyList<NewEvent> events,
            AppendOptions? options,
            CancellationToken cancellationToken
        )
        {
            Appends++;
            return inner.AppendAsync(events, options, cancellationToken);
        }

        public Task<EventPage> ReadAsync(EventRead read, CancellationToken cancellationToken) =>
            inner.ReadAsync(read, cancellationToken);

        public IAsyncEnumerable<EventPage> FollowPagesAsync(EventRead read, CancellationToken cancellationToken) =>
            inner.FollowPagesAsync(read, cancellationToken);

        public Task<ErasureResult> EraseAsync(Erasure erasure, CancellationToken cancellationToken) =>
            inner.EraseAsync(erasure, cancellationToken);
    }
}
