using System.Text.Json;
using EventStore;
using Stack;

namespace Integration.Delivery;

/// <summary>Three independent Redis servers that fail one after the other.</summary>
public sealed class SeveralRedisTests(SeveralRedisTests.ThreeRedis fixture)
    : IClassFixture<SeveralRedisTests.ThreeRedis>
{
    private readonly DeliverySystem _system = fixture.System;

    [Theory]
    [InlineData("killed", 0)]
    [InlineData("frozen", 1)]
    [InlineData("cut", 2)]
    public async Task A_failed_server_of_three_is_named_and_no_event_is_lost_or_duplicated(string fault, int number)
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        var (node, publisher) = (fixture.Nodes[number], new NumberPublisher(_system.Replicas[1]));
        await EventuallyHealthyAsync();
        await using var here = await SseReader.OpenAtAsync(_system.Replicas[0].Url, publisher.Stream);
        await using var there = await SseReader.OpenAtAsync(_system.Replicas[1].Url, publisher.Stream);
        publisher.Start();
        await publisher.WaitForMoreAsync(20);

        await (
            fault switch
            {
                "killed" => node.KillAsync(),
                "frozen" => Run(node.Freeze),
                _ => Run(node.Link.Cut),
            }
        );
        await DeliverySystem.EventuallyAsync(
            async () =>
                (await HealthAsync()).Contains($"Redis {node.LinkedAddress} does not answer", StringComparison.Ordinal),
            "the health check names the server"
        );
        await publisher.WaitForMoreAsync(20);
        // The others continue: only the events of this server's slots come from Postgres.
        await _system.WaitForModeAsync("live");

        await (
            fault switch
            {
                "killed" => node.RestartAsync(),
                "frozen" => Run(node.Thaw),
                _ => Run(node.Link.Heal),
            }
        );
        await EventuallyHealthyAsync();
        await publisher.WaitForMoreAsync(20);
        await publisher.StopAsync(here, there);
        Assert.DoesNotContain(here.Frames.Concat(there.Frames), frame => frame.Event == "resync");
    }

    /// <summary>Otherwise a body would wait on one server for a reader on another, and come from Postgres.</summary>
    [Fact]
    public async Task Each_slot_is_subscribed_on_the_server_to_which_it_is_published_and_on_no_other()
    {
        Assert.SkipWhen(fixture.Missing is not null, fixture.Missing ?? "");
        await EventuallyHealthyAsync();
        var publisher = new NumberPublisher(_system.Replicas[1]);
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, publisher.Stream);
        publisher.Start();
        await publisher.WaitForMoreAsync(20);
        ulong[] servers = [.. fixture.Nodes.Select(node => Rendezvous.Hash(node.LinkedAddress))];
        var found = new List<string>();
        await DeliverySystem.EventuallyAsync(
            async () =>
            {
                found.Clear();
                for (var i = 0; i < servers.Length; i++)
                    foreach (var channel in await SlotChannelsAsync(fixture.Nodes[i]))
                    {
                        Assert.Equal(Rendezvous.Choose(servers, channel), i);
                        found.Add(channel);
                    }
                return found.Count >= NumberPublisher.Topics / 2;
            },
            "the slots are subscribed"
        );
        Assert.Equal(found.Distinct(), found);
        await publisher.StopAsync(reader);
    }

    private async Task<string[]> SlotChannelsAsync(RedisNode node) =>
        [
            .. (await node.AskAsync("pubsub", "channels", $"{_system.Channel}:[0-9]*")).Split(
                '\n',
                StringSplitOptions.RemoveEmptyEntries
            ),
        ];

    private static Task Run(Action action)
    {
        action();
        return Task.CompletedTask;
    }

    private Task EventuallyHealthyAsync() =>
        DeliverySystem.EventuallyAsync(
            async () =>
                JsonDocument.Parse(await HealthAsync()).RootElement.GetProperty("status").GetString() == "Healthy",
            "the replica is healthy"
        );

    private async Task<string> HealthAsync()
    {
        using var http = new HttpClient { BaseAddress = _system.Replicas[0].Url };
        return await http.GetStringAsync("/health", TestContext.Current.CancellationToken);
    }

    public sealed class ThreeRedis(StackFixture stack) : SharedSystem(stack)
    {
        private readonly List<RedisNode> _nodes = [];

        internal IReadOnlyList<RedisNode> Nodes => _nodes;

        internal string? Missing { get; private set; }

        protected override int Replicas => 2;

        protected override Dictionary<string, string> Settings =>
            new() { ["ConnectionStrings__redis"] = string.Join(';', _nodes.Select(node => node.LinkedAddress)) };

        public override async ValueTask InitializeAsync()
        {
            Missing = await RedisNode.MissingAsync();
            if (Missing is not null)
                return;
            for (var i = 0; i < 3; i++)
                _nodes.Add(await RedisNode.StartAsync());
            await base.InitializeAsync();
        }

        public override async ValueTask DisposeAsync()
        {
            if (Missing is not null)
                return;
            await base.DisposeAsync();
            foreach (var node in _nodes)
                await node.DisposeAsync();
            GC.SuppressFinalize(this);
        }
    }
}
