namespace Integration.Delivery;

/// <summary>A Redis Cluster of six nodes, whose masters die or freeze while events flow.</summary>
public sealed class RedisClusterTests(RedisClusterTests.SixNodes fixture) : IClassFixture<RedisClusterTests.SixNodes>
{
    private readonly World _system = fixture.System;

    [Theory]
    [InlineData(Fault.Killed)]
    [InlineData(Fault.Frozen)]
    public async Task A_failed_master_is_replaced_under_load_and_every_reader_has_every_event_once(Fault fault)
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        var publisher = new NumberPublisher(_system.Replicas[1]);
        await using var here = await SseReader.OpenAtAsync(_system.Replicas[0].Url, publisher.Stream);
        await using var there = await SseReader.OpenAtAsync(_system.Replicas[1].Url, publisher.Stream);

        publisher.Start();
        await publisher.WaitForMoreAsync(20);

        RedisNode? master = null;
        await Eventually.HoldsAsync(
            async () => (master = await fixture.Cluster.MasterAsync(_system.Channel)) is not null,
            "the channel has a master"
        );
        await BreakAsync(master!, fault);
        await Eventually.HoldsAsync(
            async () => await fixture.Cluster.MasterAsync(_system.Channel, gone: master) is { } now && now != master,
            "another node is the channel's master"
        );
        await RedisCluster.WaitUntilWholeAsync(fixture.Cluster.Nodes.First(node => node != master));
        await publisher.WaitForMoreAsync(20);
        await _system.WaitForModeAsync("live");

        await MendAsync(master!, fault);
        await fixture.Cluster.WaitUntilAgreedAsync();
        await publisher.WaitForMoreAsync(20);
        await publisher.StopAsync(here, there);
        Assert.DoesNotContain(here.Frames.Concat(there.Frames), frame => frame.Event == "resync");
    }

    private static Task BreakAsync(RedisNode node, Fault fault)
    {
        if (fault is Fault.Killed)
            return node.KillAsync();
        node.Freeze();
        return Task.CompletedTask;
    }

    private static Task MendAsync(RedisNode node, Fault fault)
    {
        if (fault is Fault.Killed)
            return node.RestartAsync();
        node.Thaw();
        return Task.CompletedTask;
    }

    public enum Fault
    {
        Killed,
        Frozen,
    }

    public sealed class SixNodes : SharedWorld
    {
        internal RedisCluster Cluster { get; private set; } = null!;

        internal string? Missing { get; private set; }

        protected override int Replicas => 2;

        protected override Dictionary<string, string> Settings =>
            new() { ["ConnectionStrings__redis"] = Cluster.Address };

        public override async ValueTask InitializeAsync()
        {
            Missing = await RedisNode.MissingAsync();
            if (Missing is not null)
                return;
            Cluster = await RedisCluster.StartAsync();
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            if (Missing is not null)
                return;
            await base.DisposeAsync();
            await Cluster.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }
}
