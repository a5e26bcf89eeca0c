using System.Globalization;
using Stack;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>A replica receives what its readers need, and its readers get all of it.</summary>
public sealed class SlotTests(SlotTests.TwoThatForgetSoon fixture, StackFixture stack)
    : IClassFixture<SlotTests.TwoThatForgetSoon>
{
    // The tests share the servers; topics of its own keep each from the others.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly DeliverySystem _system = fixture.System;

    /// <summary>Two replicas that do not look at the store by themselves, and unsubscribe from a slot a moment after
    /// its last reader.</summary>
    public sealed class TwoThatForgetSoon(StackFixture stack) : SharedSystem(stack)
    {
        protected override int Replicas => 2;
        protected override Dictionary<string, string> Settings =>
            new() { ["Streaming__StoreCheckSeconds"] = "600", ["Streaming__IdleLogLifetime"] = "00:00:01" };
    }

    [Fact]
    public async Task A_replica_is_subscribed_to_the_slots_of_its_readers_and_without_readers_to_heartbeats_only()
    {
        await SubscribedAsync();
        await using (await SseReader.OpenAtAsync(_system.Replicas[0].Url, $"/v1/events/stream?topic={_root}.%3E"))
        await using (await SseReader.OpenAtAsync(_system.Replicas[1].Url, $"/v1/events/stream?topic={_root}-b"))
            await SubscribedAsync("pages", "pages", Slot(_root), Slot($"{_root}-b"));
        await SubscribedAsync();
        // A wildcard in the first token can match every slot.
        await using (await SseReader.OpenAtAsync(_system.Replicas[0].Url, "/v1/events/stream?topic=*.none"))
            await SubscribedAsync([
                "pages",
                .. Enumerable.Range(0, Relayed.Slots.Count).Select(n => n.ToString(CultureInfo.InvariantCulture)),
            ]);
        await SubscribedAsync();
    }

    [Fact]
    public async Task Filters_that_come_and_go_while_events_flow_get_each_event_once_and_in_order()
    {
        const int Count = 3_000;
        using var stop = new CancellationTokenSource();
        var acknowledged = new List<(string Id, string Topic, int Number)>();
        var writing = WriteAsync();
        var readers = new (string Filter, Func<string, bool> Matches)[]
        {
            ($"topic={_root}0.%3E", t => t == $"{_root}0.x"),
            ($"topic={_root}1.x", t => t == $"{_root}1.x"),
            ($"topic={_root}1.x&topic={_root}2.*", t => t != $"{_root}0.x" && t[^3] is '1' or '2'),
            ($"topic={_root}3.%3E&topic={_root}4.%3E&topic={_root}5.x", t => t[^3] is '3' or '4' or '5'),
            ("topic=*.x", t => t.StartsWith(_root, StringComparison.Ordinal)),
        };
        await Task.WhenAll(readers.SelectMany((r, i) => new[] { ReadAsync(r, i), ReadAsync(r, i + 1) }));

        async Task WriteAsync()
        {
            for (var n = 0; n < Count; n += 10)
            {
                var events = Enumerable
                    .Range(n, 10)
                    .Select(i => new EventBody(Topic(i), "n", new { n = i }))
                    .ToArray<object>();
                var ids = await DeliverySystem.PublishAsync(_system.Replicas[n / 10 % 2], events);
                acknowledged.AddRange(ids.Select((id, i) => (id, Topic(n + i), n + i)));
            }
        }

        async Task ReadAsync((string Filter, Func<string, bool> Matches) one, int replica)
        {
            var reader = new ModelReader(one.Filter, _ => true);
            // A resume is judged from the first id on, so the first stream begins before the first event of interest.
            await reader.OpenAsync(_system.Replicas[replica % 2].Url);
            var seen = 0;
            while (!writing.IsCompleted)
            {
                await Task.WhenAny(writing, reader.WaitForAsync(seen + 40));
                seen = (await reader.DropAsync()).Count;
                // Longer than the replicas keep the filter: its slot is left, and joined again.
                if (replica % 3 == 0 && !writing.IsCompleted)
                    await Task.WhenAny(writing, Task.Delay(TimeSpan.FromSeconds(4), stop.Token));
                await reader.OpenAsync(_system.Replicas[++replica % 2].Url);
            }
            await writing;
            var last = acknowledged.Where(e => one.Matches(e.Topic)).Select(e => (e.Id, e.Number)).ToList();
            var got = await reader.DropAsync();
            await reader.OpenAsync(_system.Replicas[replica % 2].Url);
            var first = got.Count == 0 ? last[0] : got[0];
            var expected = last.SkipWhile(e => e != first).ToList();
            await reader.WaitForAsync(expected.Count);
            Assert.Equal(expected, await reader.DropAsync());
            Assert.InRange(expected.Count, 100, Count);
        }

        string Topic(int n) => string.Create(CultureInfo.InvariantCulture, $"{_root}{n % 6}.x");
    }

    [Theory]
    [InlineData("EventStore__Slots", "128")]
    [InlineData("EventStore__SlotTokens", "2")]
    public async Task A_service_that_divides_the_topics_differently_does_not_start(string setting, string value)
    {
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            _system.StartReplicaAsync(new() { [setting] = value })
        );
        Assert.Contains("Give all services the same values", failure.Message, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            _system.StartBroadcasterAsync(new() { [setting] = value })
        );
        Assert.Contains("Give all services the same values", failure.Message, StringComparison.Ordinal);
    }

    private static string Slot(string topic) => Relayed.Slots.Of(topic).ToString(CultureInfo.InvariantCulture);

    /// <summary>Waits until these channels, below the heartbeat's, and no others have subscribers.</summary>
    private async Task SubscribedAsync(params string[] expected)
    {
        var configuration = ConfigurationOptions.Parse(stack.Redis);
        configuration.AllowAdmin = true;
        using var redis = await ConnectionMultiplexer.ConnectAsync(configuration);
        var server = redis.GetServer(redis.GetEndPoints()[0]);
        var found = "";
        await DeliverySystem.EventuallyAsync(
            async () =>
            {
                var channels = new List<string>();
                var pattern = new RedisChannel(_system.Channel + ":*", RedisChannel.PatternMode.Pattern);
                foreach (var channel in await server.SubscriptionChannelsAsync(pattern))
                    channels.AddRange(
                        Enumerable.Repeat(
                            ((string)channel!)[(_system.Channel.Length + 1)..],
                            (int)await server.SubscriptionSubscriberCountAsync(channel)
                        )
                    );
                found = string.Join(' ', channels.Order(StringComparer.Ordinal));
                return found == string.Join(' ', expected.Order(StringComparer.Ordinal));
            },
            $"the replicas are subscribed to '{string.Join(' ', expected)}' alone"
        );
    }
}
