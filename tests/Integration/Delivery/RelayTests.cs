using Broadcaster;
using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Stack;

namespace Integration.Delivery;

/// <summary>The work of the replica that leads.</summary>
public sealed class RelayTests(StackFixture stack)
{
    /// <summary>A lease that is renewed late is lost for a moment, by the leader's own clock, and then its own again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task A_relay_of_which_one_part_found_the_lease_lost_for_a_moment_ends_as_a_whole(int lost)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var database = await stack.CreateDatabaseAsync(cancellationToken);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ConnectionStrings:eventstore"] = database.ConnectionString, ["ConnectionStrings:redis"] = stack.Redis, ["EventStore:Channel"] = database.Database, ["EventStore:PollMilliseconds"] = "50",
        });
        builder.Services.AddMetrics();
        builder.AddEventStore();
        builder.AddRedisClient("redis");
        builder.AddRelay();
        using var host = builder.Build();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);
        var fence = await host.Services.GetRequiredService<LeaderLease>().HoldAsync(Leadership.Lease, "this test", TimeSpan.FromMinutes(5), cancellationToken);

        // Tail, beat and outbox ask in turn; only one is told no.
        var asked = 0;
        await host.Services.GetRequiredService<Relay>().RunAsync(fence!.Value, () => Interlocked.Increment(ref asked) != lost, cancellationToken).WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        Assert.True(asked >= lost);
    }
}
