using EventStore;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Integration.Adopting;

/// <summary>An adopter's tests without Postgres: streams and resumes within one process.</summary>
public sealed class InMemoryTests : IAsyncLifetime
{
    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private IEventLog Log => _orders.App.Services.GetRequiredService<IEventLog>();

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartInMemoryAsync();

    public ValueTask DisposeAsync() => _orders.DisposeAsync();

    [Fact]
    public async Task A_stream_gets_what_is_appended_and_resumes_after_its_last_id_without_a_gap()
    {
        string last;
        await using (var first = await SseReader.OpenAtAsync(_orders.Server, "/public/7"))
        {
            await _orders.ChangeAsync("7", "placed");
            await _orders.ChangeAsync("8", "placed");
            await first.WaitForEventsAsync(1);
            last = Assert.Single(first.Events).Id!;
        }
        await _orders.ChangeAsync("7", "paid");

        await using var second = await SseReader.OpenAsync(_orders.Server, "/public/7", last);
        await second.WaitForEventsAsync(1);
        await _orders.ChangeAsync("7", "shipped");
        await second.WaitForEventsAsync(2);
        Assert.Equal(["paid", "shipped"], second.Events.Select(e => e.Event));
        Assert.Empty(second.Resyncs);
    }

    /// <summary>More events than a process keeps for resumes, so that they are read from the log.</summary>
    [Fact]
    public async Task A_stream_from_the_earliest_event_gets_all_in_order()
    {
        const int Events = 10_000;
        var paid = Enumerable.Range(0, Events).Select(i => NewEvent.Of($"orders.{i % 2}.paid", "paid", i));
        await Log.AppendAsync([.. paid], Stop);

        await using var stream = await SseReader.OpenAtAsync(_orders.Server, "/public/1?from=earliest");
        await stream.WaitForEventsAsync(Events / 2);
        Assert.Equal(Enumerable.Range(0, Events).Where(i => i % 2 == 1), stream.Numbers);
    }

    [Fact]
    public async Task The_log_reads_what_was_appended_and_appends_an_id_once()
    {
        var paid = new NewEvent("orders.7.paid", "paid", "1", Id: Guid.NewGuid());
        var shipped = new NewEvent("orders.7.shipped", "shipped", "2");
        var appended = await Log.AppendAsync([paid, shipped], Stop);
        Assert.Equal(appended[0], (await Log.AppendAsync([paid], Stop))[0]);

        // All or nothing.
        await Assert.ThrowsAsync<EventConflictException>(() =>
            Log.AppendAsync([shipped, paid with { Data = "3" }], Stop)
        );
        var page = await Log.ReadAsync(0, new EventFilter(["orders.7.*"], [], []), Stop);
        Assert.Equal(["paid", "shipped"], page.Events.Select(e => e.Type));
        Assert.Equal((2, 2), (page.Through, page.Head));
    }

    [Fact]
    public void What_needs_Postgres_or_Redis_says_so()
    {
        // In Development the whole set of services is checked.
        var builder = WebApplication.CreateBuilder(["--environment", "Development"]);
        builder.AddInMemoryEventLog();
        Assert.Throws<InvalidOperationException>(() => builder.AddSse(redis: "redis"));

        var early = Assert.Throws<InvalidOperationException>(() => builder.AddSseRuns());
        Assert.Contains("AddSse(", early.Message, StringComparison.Ordinal);

        builder.AddSse();
        var runs = Assert.Throws<InvalidOperationException>(() => builder.AddSseRuns());
        Assert.Contains("Postgres", runs.Message, StringComparison.Ordinal);

        using var app = (IDisposable)builder.Build();
        var error = Assert.Throws<InvalidOperationException>(() => ((WebApplication)app).MapSseTickets());
        Assert.Contains("Postgres", error.Message, StringComparison.Ordinal);
    }
}
