using System.Globalization;

namespace Integration.Delivery;

/// <summary>A replica receives what its readers need, and its readers get all of it.</summary>
public sealed class SlotTests(SlotTests.TwoThatForgetSoon fixture) : IClassFixture<SlotTests.TwoThatForgetSoon>
{
    // The tests share the servers; topics of its own keep each from the others.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    /// <summary>Two replicas that do not look at the store by themselves, and unsubscribe from a slot a moment after
    /// its last reader.</summary>
    public sealed class TwoThatForgetSoon : SharedWorld
    {
        protected override int Replicas => 2;
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings =>
            new() { ["Streaming__StoreCheckSeconds"] = "600", ["Streaming__IdleLogLifetime"] = "00:00:01" };

        /// <summary>Starts a Broadcaster with a way of its own to Redis: what the tests do to the replicas' does not
        /// disturb it.</summary>
        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            await System.StartBroadcasterAsync(new() { ["ConnectionStrings__redis"] = Stores.Shared.Redis });
            await System.WaitForModeAsync("live");
        }
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
    public async Task Filters_added_and_removed_during_events_get_each_event_once_and_in_order()
    {
        const int Rounds = 3,
            Posts = 100;
        var acknowledged = new List<(string Id, string Topic, int Number)>();
        // The page indexes come all the time, so that a replica knows what it lacks.
        await using var onA = await SseReader.OpenAtAsync(_system.Replicas[0].Url, $"/v1/events/stream?topic={_root}");
        await using var onB = await SseReader.OpenAtAsync(_system.Replicas[1].Url, $"/v1/events/stream?topic={_root}");
        // Every filter on both replicas: one of the two gets an event by Redis alone.
        var readers = new List<(ModelReader OnOne, ModelReader OnOther, Func<string, bool> Matches, int From)>();
        Add($"topic={_root}0.%3E", t => t[^3] is '0');
        Add($"topic={_root}1.x", t => t[^3] is '1');
        Add($"topic={_root}1.x&topic={_root}2.*", t => t[^3] is '1' or '2');
        Add($"topic={_root}3.%3E&topic={_root}4.%3E&topic={_root}5.x", t => t[^3] is '3' or '4' or '5');
        for (var round = 0; round < Rounds; round++)
        {
            // Nobody is there: these come to no replica but the one that commits them.
            await SubscribedAsync("pages", "pages", Slot(_root), Slot(_root));
            if (round > 0)
                await PostAsync(Posts / 5);
            if (round == Rounds - 1)
                Add("topic=*.x", t => t.StartsWith(_root, StringComparison.Ordinal));
            // The replicas are subscribed to none of these slots before some of their events have come by.
            _system.Redis.HoldRequests();
            foreach (var (one, other, _, _) in readers)
            {
                await one.OpenAsync(_system.Replicas[round % 2].Url);
                await other.OpenAsync(_system.Replicas[(round + 1) % 2].Url);
            }
            await PostAsync(Posts * 2 / 5);
            _system.Redis.Heal();
            await PostAsync(Posts * 2 / 5);
            foreach (var (one, other, matches, from) in readers)
            {
                var seen = acknowledged.Skip(from).Where(e => matches(e.Topic)).Select(e => (e.Id, e.Number)).ToList();
                Assert.InRange(seen.Count, 100, acknowledged.Count);
                foreach (var reader in (ModelReader[])[one, other])
                {
                    await reader.WaitForAsync(seen.Count);
                    Assert.Equal(seen, await reader.DropAsync());
                }
            }
        }

        void Add(string filter, Func<string, bool> matches) =>
            readers.Add((new(filter, _ => true), new(filter, _ => true), matches, acknowledged.Count));

        async Task PostAsync(int posts)
        {
            for (var post = 0; post < posts; post++)
            {
                var from = acknowledged.Count;
                var events = Enumerable.Range(from, 10).Select(n => new EventBody(Topic(n), "n", new { n }));
                var ids = await World.PublishAsync(_system.Replicas[post % 2], [.. events]);
                acknowledged.AddRange(ids.Select((id, i) => (id, Topic(from + i), from + i)));
            }
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

    private Task SubscribedAsync(params string[] expected) => SubscribedChannels.WaitForAsync(_system, expected);
}
