using Adopter.Appending;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;

namespace Adopter.Outbox;

/// <summary>An application with a <see cref="ShopDb"/> in the log's database; once for a class of tests.</summary>
public sealed class Shop : IAsyncLifetime
{
    private WebApplication _app = null!;
    private int _numbers;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    internal IEventLog Log => _app.Log();

    internal string ConnectionString { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        ConnectionString = (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;
        _app = await LogApp.StartAsync(ConnectionString);
        // The streams record the epoch of the copied database, but perhaps later than a test asks for a place.
        await LogApp.ExecuteAsync(ConnectionString, "select eventstore.begin_epoch()");
        await using var db = Open();
        await db.Database.GetService<IRelationalDatabaseCreator>().CreateTablesAsync(Stop);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }

    /// <summary>Returns a number for the topics and items of one test.</summary>
    internal int Next() => Interlocked.Increment(ref _numbers);

    internal DbContextOptionsBuilder<ShopDb> Options(bool retries, params IInterceptor[] interceptors)
    {
        var options = new DbContextOptionsBuilder<ShopDb>();
        Configure(options, retries, interceptors);
        return options;
    }

    internal void Configure(
        DbContextOptionsBuilder options,
        bool retries = false,
        params IInterceptor[] interceptors
    ) =>
        options
            .UseNpgsql(ConnectionString, npgsql => _ = retries ? npgsql.EnableRetryOnFailure() : npgsql)
            .UseSse()
            .AddInterceptors([new AuditsAll(), .. interceptors]);

    internal ShopDb Open(bool retries = false, params IInterceptor[] interceptors) =>
        new(Options(retries, interceptors).Options);

    internal IDbContextFactory<ShopDb> Contexts(bool retries = false) =>
        new PooledDbContextFactory<ShopDb>(Options(retries).Options);

    /// <summary>Returns the types of the events of a shop that are in the log once all that is committed now has come
    /// there.</summary>
    internal async Task<string[]> PublishedAsync(int shop) =>
        [.. (await EventsAsync($"shops.{shop}.>")).Select(e => e.Type)];

    /// <summary>Returns the events that are in the log once all that is committed now has come there.</summary>
    internal async Task<IReadOnlyList<EventRecord>> EventsAsync(EventTopic topic)
    {
        var last = Next();
        await using (var db = Open())
        {
            db.Publish($"last.{last}", "last", 1);
            await db.SaveChangesAsync(Stop);
        }

        await Eventually.HoldsAsync(
            async () => (await ReadAsync($"last.{last}")).Count > 0,
            "the last event is in the log"
        );
        return await ReadAsync(topic);
    }

    internal async Task AddItemAsync(int id)
    {
        await using var db = Open();
        db.Add(new Item { Id = id, Name = "tea" });
        await db.SaveChangesAsync(Stop);
    }

    internal async Task<bool> HasItemAsync(int id)
    {
        await using var db = Open();
        return await db.Items.AnyAsync(item => item.Id == id, Stop);
    }

    private async Task<IReadOnlyList<EventRecord>> ReadAsync(EventTopic topic)
    {
        var events = new List<EventRecord>();
        for (var read = new EventRead { Filter = new EventFilter([topic]) }; ; )
        {
            var page = await Log.ReadAsync(read, Stop);
            events.AddRange(page.Events);
            if (page.Next == page.Head)
                return events;
            read = read with { After = page.Next };
        }
    }
}
