using System.Data;
using System.Data.Common;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;

namespace Adopter.Orders;

/// <summary>Events that commit together with a change of the application's own tables.</summary>
public sealed class PublishTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_change_and_its_events_commit_together_in_the_order_of_the_calls()
    {
        await using var orders = await RunningOrders.StartAsync();
        await CreateTablesAsync(orders);
        await using var stream = await SseReader.OpenAtAsync(orders.Server, "/public/7");

        using var created = await orders.Client.PostAsJsonAsync("/orders", new Order("7", "tea"), Stop);
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        await stream.WaitForEventsAsync(2);
        Assert.Equal(["created", "queued"], stream.Events.Select(e => e.Event));
        Assert.Equal("""{"id":"7","article":"tea"}""", stream.Events.First().Data);

        // The same number again: neither the change nor its events.
        using var refused = await orders.Client.PostAsJsonAsync("/orders", new Order("7", "coffee"), Stop);
        Assert.Equal(HttpStatusCode.InternalServerError, refused.StatusCode);
        using var next = await orders.Client.PostAsync("/orders/7/paid", content: null, Stop);

        await stream.WaitForEventsAsync(3);
        Assert.Equal(["created", "queued", "paid"], stream.Events.Select(e => e.Event));
    }

    /// <summary>As Aspire's AddNpgsqlDbContext does, the strategy repeats what broke off.</summary>
    [Fact]
    public async Task A_change_that_is_repeated_after_a_broken_connection_publishes_once()
    {
        await using var orders = await RunningOrders.StartAsync();
        await CreateTablesAsync(orders);
        var breaks = new BreaksOnce();
        await using var db = new OrdersDb(
            new DbContextOptionsBuilder<OrdersDb>()
                .UseNpgsql(orders.ConnectionString, npgsql => npgsql.EnableRetryOnFailure())
                .UseSse()
                .AddInterceptors(breaks)
                .Options as DbContextOptions<OrdersDb>
                ?? throw new InvalidOperationException()
        );
        await using var stream = await SseReader.OpenAtAsync(orders.Server, "/public/8");

        db.Add(new Order("8", "tea"));
        db.Publish($"orders.{8}.created", "created", 1);
        await db.SaveChangesAsync(Stop);
        Assert.Equal(2, breaks.Commits);

        using var next = await orders.Client.PostAsync("/orders/8/paid", content: null, Stop);
        await stream.WaitForEventsAsync(2);
        Assert.Equal(["created", "paid"], stream.Events.Select(e => e.Event));
    }

    [Fact]
    public async Task A_stream_after_the_place_of_a_read_has_each_change_that_the_read_has_not()
    {
        await using var orders = await RunningOrders.StartAsync();
        await CreateTablesAsync(orders);
        await orders.ChangeAsync("7", "before");

        var options = new DbContextOptionsBuilder<OrdersDb>();
        options.UseNpgsql(orders.ConnectionString).UseSse();
        await using var db = new OrdersDb(options.Options);

        await Assert.ThrowsAsync<InvalidOperationException>(() => db.SsePositionAsync());

        await using var read = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, Stop);
        Assert.Empty(await db.Orders.ToListAsync(Stop));
        await orders.ChangeAsync("7", "after");

        var place = await db.SsePositionAsync();

        await using var stream = await SseReader.OpenAsync(orders.Server, "/public/7", place.ToString());
        await stream.WaitForEventsAsync(1);
        Assert.Equal("after", Assert.Single(stream.Events).Event);
    }

    [Fact]
    public async Task Without_the_outbox_in_its_options_a_context_says_what_to_call()
    {
        await using var db = new OrdersDb(new DbContextOptionsBuilder<OrdersDb>().UseNpgsql("Host=localhost").Options);
        var error = Assert.Throws<InvalidOperationException>(() => db.Publish("orders.7.created", "created", 1));
        Assert.Contains("UseSse()", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_the_log_is_named_and_its_schema_is_left_alone()
    {
        var elsewhere = await Stores.Shared.CreateDatabaseAsync(Stop);
        var options = new DbContextOptionsBuilder<OrdersDb>();
        options.UseNpgsql(elsewhere.ConnectionString).UseSse();

        await using var db = new OrdersDb(options.Options);
        await db.Database.EnsureCreatedAsync(Stop);
        Assert.DoesNotContain("outbox", db.Database.GenerateCreateScript(), StringComparison.Ordinal);

        db.Publish("orders.7.created", "created", 1);
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => db.SaveChangesAsync(Stop));
        Assert.Contains("AddEventStore", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("a.b")]
    [InlineData("")]
    public void An_event_has_one_topic_whose_holes_are_tokens(string id)
    {
        Assert.Throws<ArgumentException>(() => NewEvent.Of($"orders.{id}.created", "created", 1));
        Assert.Throws<ArgumentException>(() => NewEvent.Of($"orders.>", "created", 1));
    }

    /// <summary>As over HTTP: a client could not tell it from what the stream says of itself.</summary>
    [Fact]
    public async Task A_type_that_streams_send_of_themselves_is_refused()
    {
        await using var app = RunningOrders.Build("Host=localhost");
        var log = app.Services.GetRequiredService<IEventLog>();

        foreach (var type in (string[])["connected", "resync", "skipped", "unauthorized", "error"])
        {
            var made = Assert.Throws<ArgumentException>(() => NewEvent.Of("orders.7.paid", type, 1));
            Assert.Contains("reserved", made.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArgumentException>(() => Append(new NewEvent("orders.7.paid", type, "1")));
        }

        await Assert.ThrowsAsync<ArgumentException>(() => Append(new NewEvent("orders.>", "paid", "1")));
        await Assert.ThrowsAsync<ArgumentException>(() => Append(new NewEvent("orders.7.paid", "a\nb", "1")));

        Task Append(NewEvent published) =>
            log.AppendAsync([new NewEvent("orders.7.paid", "paid", "1"), published], Stop);
    }

    private static async Task CreateTablesAsync(RunningOrders orders)
    {
        await using var scope = orders.App.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<OrdersDb>();
        await db.Database.GetService<IRelationalDatabaseCreator>().CreateTablesAsync(Stop);
    }

    private sealed class BreaksOnce : DbTransactionInterceptor
    {
        public int Commits { get; private set; }

        public override ValueTask<InterceptionResult> TransactionCommittingAsync(
            DbTransaction transaction,
            TransactionEventData eventData,
            InterceptionResult result,
            CancellationToken cancellationToken = default
        ) =>
            ++Commits == 1
                ? throw new NpgsqlException("The connection broke off.", new IOException())
                : ValueTask.FromResult(result);
    }
}
