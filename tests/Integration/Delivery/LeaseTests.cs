using Npgsql;

namespace Integration.Delivery;

/// <summary>The leader's lease, by Postgres's clock, even if that clock is changed.</summary>
public sealed class LeaseTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_lease_is_its_holders_until_it_expires()
    {
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        var lease = new LeaderLease(system.Database);
        var fence = await HoldAsync(lease, "a");

        Assert.NotNull(fence);
        Assert.Null(await HoldAsync(lease, "b"));
        Assert.Equal(fence, await HoldAsync(lease, "a"));
        await ExpireAsync(system.Database, TimeSpan.FromSeconds(-1));
        Assert.Equal(fence + 1, await HoldAsync(lease, "b"));
    }

    [Fact]
    public async Task A_lease_from_before_the_clock_was_set_back_delays_no_takeover()
    {
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        var lease = new LeaderLease(system.Database);
        var fence = await HoldAsync(lease, "gone");

        Assert.NotNull(fence);
        await ExpireAsync(system.Database, TimeSpan.FromHours(1));
        Assert.Equal(fence + 1, await HoldAsync(lease, "spare"));
        Assert.Null(await HoldAsync(lease, "gone"));
    }

    [Fact]
    public async Task One_of_many_concurrent_requests_gets_the_lease_with_the_highest_fence()
    {
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        var lease = new LeaderLease(system.Database);
        long last = 0;
        // The first time there is no lease at all, then one that has run out.
        for (var round = 0; round < 20; round++)
        {
            var holders = Enumerable.Range(0, 16).Select(i => $"{round}-{i}").ToList();
            using var start = new Barrier(holders.Count);
            var fences = await Task.WhenAll(
                holders.Select(holder =>
                    OnThreadOfItsOwn(() =>
                    {
                        start.SignalAndWait();
                        return HoldAsync(lease, holder);
                    })
                )
            );
            var fence = Assert.Single(fences, f => f is not null);

            Assert.True(fence > last, $"{fence} after {last}");
            last = fence!.Value;
            // Only the holder keeps it, even with several renewals under way.
            var holding = holders[Array.IndexOf(fences, fence)];
            var renewed = await Task.WhenAll(
                holders
                    .Select(holder => HoldAsync(lease, holder))
                    .Concat(holders.Select(_ => HoldAsync(lease, holding)))
            );

            Assert.Equal(
                holders.Select(holder => holder == holding ? fence : null).Concat(holders.Select(_ => fence)),
                renewed
            );
            await ExpireAsync(system.Database, TimeSpan.FromSeconds(-1));
        }

        static Task<long?> OnThreadOfItsOwn(Func<Task<long?>> ask) =>
            Task
                .Factory.StartNew(ask, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .Unwrap();
    }

    [Fact]
    public async Task A_leader_that_cannot_relay_leaves_the_lease_to_another()
    {
        await using var system = await World.Start(o => o.Replicas(0).Broadcasters(0));
        await system.Database.ExecuteAsync("delete from eventstore.secrets where name = 'relay'");
        var broadcaster = await system.StartBroadcasterAsync();

        await Eventually.HoldsAsync(
            () => broadcaster.Output.Contains("is the leader", StringComparison.Ordinal),
            "it has tried"
        );

        var lease = new LeaderLease(system.Database);
        await Eventually.HoldsAsync(
            async () =>
                await lease.HoldAsync("broadcaster", "another", Ttl, TestContext.Current.CancellationToken) is not null,
            "another may lead"
        );
        await Eventually.HoldsAsync(async () => !await World.LeadsAsync(broadcaster), "it knows that it does not lead");
    }

    private static Task<long?> HoldAsync(LeaderLease lease, string holder) =>
        lease.HoldAsync("test", holder, Ttl, TestContext.Current.CancellationToken);

    private static async Task ExpireAsync(NpgsqlDataSource database, TimeSpan from) =>
        await database.ExecuteAsync(
            $"update eventstore.leases set expires_at = clock_timestamp() + interval '{from.TotalSeconds} seconds' "
                + "where name = 'test'"
        );
}
