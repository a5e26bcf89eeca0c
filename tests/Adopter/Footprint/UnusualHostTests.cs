using System.Net.ServerSentEvents;
using Adopter.Databases;
using Harness;

namespace Adopter.Footprint;

/// <summary>Hosts as the tests of an application have them.</summary>
public sealed class UnusualHostTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>As with a fake <see cref="TimeProvider"/>.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Streams_begin_deliver_and_end_while_the_clock_stands_still(bool isInMemory)
    {
        var builder = await BuilderAsync(isInMemory);
        builder.Services.AddSingleton<TimeProvider>(new ManualTime());
        await using var app = await LogApp.StartAsync(
            builder,
            app =>
                app.MapGet("/events", () => TypedResults.EventStream(EventTopic.Pattern("orders.>"))).AllowAnonymous()
        );

        using var client = new HttpClient { BaseAddress = app.Server };
        await using var stream = await client.GetStreamAsync("/events", Stop);
        await using var events = SseParser.Create(stream).EnumerateAsync(Stop).GetAsyncEnumerator(Stop);
        await app.AppendAsync("1");
        do Assert.True(await events.MoveNextAsync());
        while (events.Current.EventType != "paid");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_host_that_is_disposed_without_a_stop_logs_no_error(bool isInMemory)
    {
        var builder = await BuilderAsync(isInMemory);
        using var log = new WarningLines();
        builder.Logging.AddProvider(log);
        await using (var app = builder.Build())
        {
            await app.EnsureSchemaAsync(Stop);
            await app.StartAsync(Stop);
            await app
                .Services.GetRequiredService<IEventLog>()
                .AppendAsync("orders.1", "paid", 1, cancellationToken: Stop);
        }

        Assert.Empty(log.Texts);
    }

    private static async Task<WebApplicationBuilder> BuilderAsync(bool isInMemory)
    {
        var database = isInMemory ? null : await Stores.Shared.CreateMigratedAsync(Stop);
        var builder = LogApp.Builder(database?.ConnectionString);
        if (isInMemory)
            builder.AddInMemoryEventLog();
        else
            builder.AddEventStore("log");
        builder.AddSse();

        return builder;
    }
}
