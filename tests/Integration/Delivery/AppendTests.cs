using System.Text;
using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Stack;

namespace Integration.Delivery;

/// <summary>What an append tells of its commit, to those that need not wait for it to come back.</summary>
public sealed class AppendTests(StackFixture stack)
{
    [Fact]
    public async Task Of_a_batch_what_was_stored_before_or_refused_is_not_told_as_committed_now()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await stack.CreateDatabaseAsync(cancellationToken);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["ConnectionStrings:eventstore"] = database.ConnectionString });
        builder.Services.AddMetrics();
        builder.AddEventStore();
        using var host = builder.Build();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);
        await host.StartAsync(cancellationToken);
        var appender = host.Services.GetRequiredService<EventAppender>();
        var told = new List<CommittedEvents>();
        appender.Committed += told.Add;
        var (early, late) = (Event("early") with { Id = Guid.NewGuid() }, Event("late") with { Id = Guid.NewGuid() });

        await appender.AppendAsync([early], cancellationToken);
        await appender.AppendAsync([Event("between")], cancellationToken);
        var mixed = await appender.AppendAsync([early, late, Event("without an id")], cancellationToken);
        await appender.AppendAsync([late, early], cancellationToken);                           // nothing new
        await Assert.ThrowsAsync<EventConflictException>(() => appender.AppendAsync([late with { Data = "0" }, Event("lost with it")], cancellationToken));
        await appender.AppendAsync([Event("last")], cancellationToken);                         // told after all the others

        Assert.Equal([1, 3, 4], mixed.Select(e => e.Position));
        Assert.Equal(["1 \"early\"", "2 \"between\"", "3 \"late\", 4 \"without an id\"", "5 \"last\""],
            told.Select(t => string.Join(", ", t.Events.Select(e => $"{e.Position} {Encoding.UTF8.GetString(e.Data.Span)}"))));
        await using var store = NpgsqlDataSource.Create(database.ConnectionString);
        await using var epoch = store.CreateCommand("select eventstore.epoch()");
        Assert.All(told, t => Assert.Equal(epoch.ExecuteScalar(), t.Epoch));
        await host.StopAsync(cancellationToken);
    }

    private static NewEvent Event(string data) => new("t", "n", $"\"{data}\"");
}
