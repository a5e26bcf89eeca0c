using System.Threading.Channels;
using EventStore;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>The pages that replicas send of their own commits.</summary>
public sealed class DirectPageTests
{
    [Fact]
    public async Task A_page_waits_for_what_lies_before_it_and_needs_no_Broadcaster()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();
        var epoch = await relay.EpochAsync();
        var third = await relay.AppendAsync("a", 3);
        await relay.RunAsync("select nextval('eventstore.position')"); // of an append that was rolled back
        var fourth = await relay.AppendAsync("b", 4);

        await relay.SendDirectAsync(epoch, third.Position, fourth);
        await relay.SendDirectAsync(epoch, third.Position - 1, third);
        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task What_nobody_sent_before_a_page_is_relayed_before_it()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();
        var epoch = await relay.EpochAsync();
        var third = await relay.AppendAsync("a", 3);
        var fourth = await relay.AppendAsync("b", 4);

        await relay.SendDirectAsync(epoch, third.Position, fourth);
        await relay.SendAsync(epoch, third);
        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task A_page_of_a_former_epoch_is_not_delivered_in_the_new_one()
    {
        await using var relay = await HandRelay.StartAsync();
        await using var reader = await relay.ReadAsync();
        var former = await relay.EpochAsync();
        var epoch = await relay.PromoteAsync(reader);

        var fourth = await relay.AppendAsync("a", 4);
        await relay.SendDirectAsync(former, fourth.Position - 1, fourth with { Data = "\"lost\""u8.ToArray() });
        await relay.SendDirectAsync(epoch, fourth.Position - 1, fourth);
        await reader.WaitForEventsAsync(4);
        Assert.Equal(["1", "2", "3", "4"], reader.Events.Select(e => e.Data));
    }

    [Fact]
    public async Task A_page_names_the_event_before_it_whatever_was_rolled_back_between_them()
    {
        await using var relay = await HandRelay.StartAsync();
        using var redis = await TestRedis.ConnectAsync(Stores.Shared.Redis);
        var sent = Channel.CreateUnbounded<RelayPage>();
        var messages = await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal(relay.System.DirectChannel));
        messages.OnMessage(message => sent.Writer.TryWrite(Relayed.Read(message)));

        // Again, until the replica knows the secret, and that Redis is there.
        await Eventually.HoldsAsync(
            async () =>
            {
                await World.PublishNumbersAsync(relay.Replica, "a", 1, 1);
                return sent.Reader.TryRead(out _);
            },
            "the replica sends its commits"
        );
        var before = World.Position((await World.PublishNumbersAsync(relay.Replica, "a", 2, 1))[0]);
        await relay.RunAsync("select nextval('eventstore.position')");
        var after = World.Position((await World.PublishNumbersAsync(relay.Replica, "a", 3, 1))[0]);

        RelayPage page;
        do page = await sent.Reader.ReadAsync(TestContext.Current.CancellationToken);
        while (page.Last < after);
        Assert.Equal((before, after, before + 2), (page.Previous, page.Last, after));
    }
}
